/* The operations: payloads.c, calls.c (the call and its instance) and host.c (what the host gives). */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <airssys.h>

#define OPERATION(name) \
    airssys_result name(const airssys_context *context, const airssys_input *input, airssys_output *output)

OPERATION(op_echo);
OPERATION(op_length);
OPERATION(op_upper);
OPERATION(op_fill);
OPERATION(op_sum);

OPERATION(op_error);
OPERATION(op_crash);
OPERATION(op_context);
OPERATION(op_config);
OPERATION(op_count);
OPERATION(op_allocate);
OPERATION(op_spin);
OPERATION(op_restored_by);

OPERATION(op_log);
OPERATION(op_env);
OPERATION(op_kv_set);
OPERATION(op_kv_get);
OPERATION(op_kv_delete);
OPERATION(op_kv_increment);
OPERATION(op_kv_list);
OPERATION(op_http);

/* The body as text, whatever it is. */
static inline const char *body_of(const airssys_input *input) {
    return input->body.size == 0 ? "" : input->body.data;
}

#endif
