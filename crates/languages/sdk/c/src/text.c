/* Text and results: formatting, looking up, UTF-8, and the small makers of results, inputs and outputs. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../airssys.h"

char *airssys_format_list(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    /* Nothing that can be formatted is longer than an int says; a format of the caller's that is wrong is empty. */
    size_t size = length < 0 ? 0 : (size_t)length;
    char *text = airssys_alloc(size + 1);
    if (length > 0) vsnprintf(text, size + 1, format, arguments);
    return text;
}

#define FORMAT_INTO(text, format)                    \
    do {                                             \
        va_list arguments;                           \
        va_start(arguments, format);                 \
        (text) = airssys_format_list(format, arguments); \
        va_end(arguments);                           \
    } while (0)

char *airssys_format(const char *format, ...) {
    char *text;
    FORMAT_INTO(text, format);
    return text;
}

airssys_result airssys_ok(void) { return (airssys_result){AIRSSYS_OK, NULL}; }

#define ERROR_OF(function, kind)                          \
    airssys_result function(const char *format, ...) {    \
        char *text;                                       \
        FORMAT_INTO(text, format);                        \
        return (airssys_result){kind, text};              \
    }

ERROR_OF(airssys_invalid_input, AIRSSYS_INVALID_INPUT)
ERROR_OF(airssys_invalid_config, AIRSSYS_INVALID_CONFIG)
ERROR_OF(airssys_denied, AIRSSYS_DENIED)
ERROR_OF(airssys_unavailable, AIRSSYS_UNAVAILABLE)
ERROR_OF(airssys_failed, AIRSSYS_FAILED)

static const char *const KINDS[] = {"", "invalid-input", "invalid-config", "denied", "unavailable", "failed"};

const char *airssys_kind_name(airssys_kind kind) { return KINDS[kind]; }

airssys_kind airssys_kind_named(const char *name) {
    for (int kind = AIRSSYS_INVALID_INPUT; kind <= AIRSSYS_FAILED; kind++) {
        if (strcmp(KINDS[kind], name) == 0) return (airssys_kind)kind;
    }
    return AIRSSYS_OK;
}

airssys_bytes airssys_text(const char *text) {
    return text == NULL ? (airssys_bytes){"", 0} : (airssys_bytes){text, strlen(text)};
}

/* How many bytes the UTF-8 character at `at` has, or 0 where there is none (Unicode, table 3-7). */
static size_t character(const unsigned char *at, size_t left) {
    unsigned char first = at[0], low = 0x80, high = 0xBF;
    size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (size > left) return 0;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    for (size_t i = 1; i < size; i++) {
        if (at[i] < low || at[i] > high) return 0;
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

bool airssys_is_utf8(airssys_bytes bytes) {
    const unsigned char *at = bytes.data;
    for (size_t i = 0, size; i < bytes.size; i += size) {
        size = character(at + i, bytes.size - i);
        if (size == 0) return false;
    }
    return true;
}

/* The text, with a question mark for each byte that is not UTF-8: the host ends an instance that sends such bytes. */
static inline const char *as_utf8(const char *text) {
    airssys_bytes bytes = airssys_text(text);
    if (airssys_is_utf8(bytes)) return text;
    char *mended = airssys_format("%s", text);
    for (size_t i = 0, size; i < bytes.size; i += size) {
        size = character((unsigned char *)mended + i, bytes.size - i);
        if (size == 0) {
            mended[i] = '?';
            size = 1;
        }
    }
    return mended;
}

const char *airssys_find(airssys_pairs pairs, const char *name) {
    for (size_t i = 0; i < pairs.count; i++) {
        if (strcasecmp(pairs.items[i].name, name) == 0) return pairs.items[i].value;
    }
    return NULL;
}

void airssys_buffer_text(airssys_buffer *buffer, const char *text) { airssys_buffer_add(buffer, text, strlen(text)); }

void airssys_buffer_format(airssys_buffer *buffer, const char *format, ...) {
    char *text;
    FORMAT_INTO(text, format);
    airssys_buffer_text(buffer, text);
}

const char *airssys_metadata(const airssys_input *input, const char *name) {
    return airssys_find(input->metadata, name);
}

airssys_result airssys_input_text(const airssys_input *input, const char **text) {
    if (!airssys_is_utf8(input->body)) return airssys_invalid_input("the input is no text: it is not UTF-8");
    *text = input->body.size == 0 ? "" : input->body.data;
    return airssys_ok();
}

airssys_result airssys_input_json(const airssys_input *input, const airssys_json **value) {
    return airssys_json_read(input->body, value);
}

static const char TEXT[] = "text/plain; charset=utf-8";

airssys_result airssys_reply_bytes(airssys_output *output, airssys_bytes body, const char *content_type) {
    output->body = body;
    output->content_type = content_type;
    return airssys_ok();
}

airssys_result airssys_reply_text(airssys_output *output, const char *format, ...) {
    char *text;
    FORMAT_INTO(text, format);
    return airssys_reply_bytes(output, airssys_text(text), TEXT);
}

airssys_result airssys_reply_json(airssys_output *output, const airssys_json *value) {
    airssys_buffer buffer = {0};
    airssys_json_write(&buffer, value);
    return airssys_reply_bytes(output, airssys_buffer_bytes(&buffer), "application/json");
}

const char *airssys_path(const airssys_request *request) {
    return airssys_format("%.*s", (int)strcspn(request->url, "?"), request->url);
}

uint16_t airssys_status(airssys_kind kind) {
    switch (kind) {
    case AIRSSYS_OK: return 200;
    case AIRSSYS_INVALID_INPUT: return 400;
    case AIRSSYS_DENIED: return 403;
    case AIRSSYS_UNAVAILABLE: return 503;
    default: return 500;
    }
}

airssys_result airssys_respond_bytes(airssys_response *response, airssys_bytes body, const char *content_type) {
    airssys_pair *header = airssys_alloc(sizeof *header);
    *header = (airssys_pair){"content-type", content_type};
    *response = (airssys_response){200, {header, 1}, body};
    return airssys_ok();
}

airssys_result airssys_respond(airssys_response *response, uint16_t status, const char *format, ...) {
    char *text;
    FORMAT_INTO(text, format);
    airssys_respond_bytes(response, airssys_text(text), TEXT);
    response->status = status;
    return airssys_ok();
}
