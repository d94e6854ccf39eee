/* The conformance guest in C: answers by its input's metadata `op`. */
#include <airssys.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "operations.h"

typedef airssys_result operation(const airssys_context *context, const airssys_input *input, airssys_output *output);

static const struct {
    const char *name;
    operation *run;
} OPERATIONS[] = {
    {"echo", op_echo},
    {"length", op_length},
    {"upper", op_upper},
    {"fill", op_fill},
    {"sum", op_sum},
    {"error", op_error},
    {"crash", op_crash},
    {"log", op_log},
    {"context", op_context},
    {"config", op_config},
    {"env", op_env},
    {"kv-set", op_kv_set},
    {"kv-get", op_kv_get},
    {"kv-delete", op_kv_delete},
    {"kv-increment", op_kv_increment},
    {"kv-list", op_kv_list},
    {"http", op_http},
    {"count", op_count},
    {"allocate", op_allocate},
    {"spin", op_spin},
    {"restored-by", op_restored_by},
};

airssys_result airssys_handle(const airssys_context *context, const airssys_input *input, airssys_output *output) {
    const char *name = airssys_metadata(input, "op");
    for (size_t i = 0; name != NULL && i < sizeof OPERATIONS / sizeof *OPERATIONS; i++) {
        if (strcasecmp(OPERATIONS[i].name, name) == 0) return OPERATIONS[i].run(context, input, output);
    }
    return airssys_invalid_input("no op called %s", name == NULL ? "" : name);
}
