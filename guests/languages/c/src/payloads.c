/* Operations on the body alone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>

#include "operations.h"

OPERATION(op_echo) {
    (void)context;
    airssys_pair *kept = airssys_alloc(input->metadata.count * sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < input->metadata.count; i++) {
        if (strcasecmp(input->metadata.items[i].name, "op") != 0) kept[count++] = input->metadata.items[i];
    }
    *output = (airssys_output){input->body, input->content_type, {kept, count}};
    return airssys_ok();
}

OPERATION(op_length) {
    (void)context;
    return airssys_reply_text(output, "%zu", input->body.size);
}

/* The code point at `at`, in text that is UTF-8, and how many bytes it has. */
static uint32_t code_at(const unsigned char *at, size_t *size) {
    *size = at[0] < 0x80 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (*size == 1) return at[0];
    uint32_t code = at[0] & (0x7Fu >> *size);
    for (size_t i = 1; i < *size; i++) code = code << 6 | (at[i] & 0x3F);
    return code;
}

static void add_code(airssys_buffer *buffer, uint32_t code) {
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size; i > 1; i--) {
        bytes[i - 1] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    bytes[0] = (char)(size == 1 ? code : (0xF00u >> size & 0xFF) | code);
    airssys_buffer_add(buffer, bytes, size);
}

/* `towupper` gives one letter for one: of those that become two, ß is done here. */
OPERATION(op_upper) {
    (void)context;
    if (!airssys_is_utf8(input->body)) return airssys_invalid_input("not UTF-8");
    airssys_buffer upper = {0};
    for (size_t i = 0, size; i < input->body.size; i += size) {
        uint32_t code = code_at((const unsigned char *)input->body.data + i, &size);
        if (code == 0xDF) {
            airssys_buffer_text(&upper, "SS");
        } else {
            add_code(&upper, towupper((wint_t)code));
        }
    }
    return airssys_reply_bytes(output, airssys_buffer_bytes(&upper), "text/plain; charset=utf-8");
}

OPERATION(op_fill) {
    (void)context;
    size_t size = strtoul(body_of(input), NULL, 10);
    unsigned char *bytes = airssys_alloc(size);
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(i % 251);
    return airssys_reply_bytes(output, (airssys_bytes){bytes, size}, "application/octet-stream");
}

OPERATION(op_sum) {
    (void)context;
    const airssys_json *list;
    airssys_result read = airssys_input_json(input, &list);
    if (airssys_is_error(read)) return read;
    if (list->type != AIRSSYS_JSON_ARRAY) return airssys_invalid_input("not a list");
    int64_t sum = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!list->items[i].is_integer) return airssys_invalid_input("not a list of integers");
        if (__builtin_add_overflow(sum, list->items[i].integer, &sum)) return airssys_invalid_input("too large a sum");
    }
    return airssys_reply_text(output, "%lld", (long long)sum);
}
