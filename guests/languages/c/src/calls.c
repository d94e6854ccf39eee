/* Operations about the call, the configuration, the instance and its state. */
#include <stdlib.h>
#include <string.h>

#include "operations.h"

static char *config_text;
static uint64_t count;
static const char *restored_by = "";

static int by_name(const void *a, const void *b) {
    return strcmp(((const airssys_json *)a)->name, ((const airssys_json *)b)->name);
}

/* The same value with the members of each object in the order of their names. */
static airssys_json sorted(airssys_json value) {
    airssys_json *items = airssys_alloc(value.count * sizeof *items);
    for (size_t i = 0; i < value.count; i++) items[i] = sorted(value.items[i]);
    if (value.type == AIRSSYS_JSON_OBJECT) qsort(items, value.count, sizeof *items, by_name);
    value.items = items;
    return value;
}

airssys_result airssys_init(const airssys_json *config) {
    const airssys_json *colour = airssys_json_get(config, "colour");
    if (colour != NULL && colour->type != AIRSSYS_JSON_STRING) return airssys_invalid_config("no such colour");
    if (colour != NULL && strcmp(colour->string, "red") != 0 && strcmp(colour->string, "green") != 0 &&
        strcmp(colour->string, "blue") != 0) {
        return airssys_invalid_config("no colour called %s", colour->string);
    }
    airssys_buffer text = {0};
    airssys_json all = sorted(*config);
    airssys_json_write(&text, &all);
    config_text = airssys_keep(text.data);
    return airssys_ok();
}

airssys_result airssys_save(airssys_bytes *state) {
    *state = airssys_text(airssys_format("%llu", (unsigned long long)count));
    return airssys_ok();
}

airssys_result airssys_restore(airssys_bytes saved, const char *saved_by) {
    count = saved.size == 0 ? 0 : strtoull(saved.data, NULL, 10);
    restored_by = airssys_keep(saved_by);
    return airssys_ok();
}

OPERATION(op_error) {
    (void)context, (void)output;
    const char *name = body_of(input);
    airssys_kind kind = airssys_kind_named(name);
    if (kind == AIRSSYS_OK) return airssys_invalid_input("no kind called %s", name);
    return (airssys_result){kind, airssys_format("as asked: %s", name)};
}

OPERATION(op_crash) {
    (void)context, (void)input, (void)output;
    abort();
}

static void add_member(airssys_buffer *json, const char *name, const char *value) {
    airssys_buffer_format(json, "\"%s\":", name);
    if (value == NULL) {
        airssys_buffer_text(json, "null");
    } else {
        airssys_json_write_string(json, value);
    }
    airssys_buffer_text(json, ",");
}

OPERATION(op_context) {
    (void)input;
    airssys_buffer json = {0};
    airssys_buffer_text(&json, "{");
    add_member(&json, "request_id", context->request_id);
    add_member(&json, "trace_parent", context->trace_parent);
    add_member(&json, "caller", context->caller);
    if (context->has_deadline) {
        airssys_buffer_format(&json, "\"deadline_ns\":%llu,", (unsigned long long)context->deadline_ns);
    } else {
        airssys_buffer_text(&json, "\"deadline_ns\":null,");
    }
    airssys_buffer_format(&json, "\"attempt\":%u}", context->attempt);
    return airssys_reply_bytes(output, airssys_buffer_bytes(&json), "application/json");
}

OPERATION(op_config) {
    (void)context, (void)input;
    return airssys_reply_bytes(output, airssys_text(config_text), "application/json");
}

OPERATION(op_count) {
    (void)context, (void)input;
    return airssys_reply_text(output, "%llu", (unsigned long long)++count);
}

OPERATION(op_allocate) {
    (void)context;
    size_t mebibytes = strtoul(body_of(input), NULL, 10);
    for (size_t i = 0; i < mebibytes; i++) {
        volatile unsigned char *memory = airssys_alloc((size_t)1 << 20);
        for (size_t at = 0; at < (size_t)1 << 20; at += 4096) memory[at] = 1;
    }
    return airssys_reply_text(output, "ok");
}

OPERATION(op_spin) {
    (void)context, (void)input, (void)output;
    for (volatile unsigned turn = 0;; turn++) {
    }
}

OPERATION(op_restored_by) {
    (void)context, (void)input;
    return airssys_reply_text(output, "%s", restored_by);
}
