/* JSON by RFC 8259: a reader that goes down at most MAX_DEPTH, a writer, and a config read into variables. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 128

/* Where the reader is, and the values of arrays and objects that are not closed yet. */
struct reader {
    const char *at;
    const char *end;
    const char *problem;
    int depth;
    airssys_json *open;
    size_t open_count;
    size_t open_room;
};

static bool read_value(struct reader *reader, airssys_json *value);

static bool fail(struct reader *reader, const char *problem) {
    if (reader->problem == NULL) reader->problem = problem;
    return false;
}

static void skip_space(struct reader *reader) {
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL && *reader->at != 0) reader->at++;
}

/* Takes this character, after space. */
static bool take(struct reader *reader, char wanted) {
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != wanted) return false;
    reader->at++;
    return true;
}

static bool read_word(struct reader *reader, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0) {
        return fail(reader, "no value begins here");
    }
    reader->at += size;
    return true;
}

static void push(struct reader *reader, airssys_json value) {
    if (reader->open_count == reader->open_room) {
        size_t room = reader->open_room == 0 ? 16 : reader->open_room * 2;
        airssys_json *grown = realloc(reader->open, room * sizeof *grown);
        if (grown == NULL) abort();
        reader->open = grown;
        reader->open_room = room;
    }
    reader->open[reader->open_count++] = value;
}

/* Moves what was pushed since `first` to where it stays. */
static void close_items(struct reader *reader, size_t first, airssys_json *value) {
    size_t count = reader->open_count - first;
    airssys_json *items = airssys_alloc(count * sizeof *items);
    if (count > 0) memcpy(items, reader->open + first, count * sizeof *items);
    value->items = items;
    value->count = count;
    reader->open_count = first;
}

static bool is_digit(const struct reader *reader) {
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool read_digits(struct reader *reader) {
    if (!is_digit(reader)) return fail(reader, "a digit is missing");
    while (is_digit(reader)) reader->at++;
    return true;
}

static bool read_number(struct reader *reader, airssys_json *value) {
    const char *start = reader->at;
    if (*reader->at == '-') reader->at++;
    if (reader->at < reader->end && *reader->at == '0') {
        reader->at++;
        if (is_digit(reader)) return fail(reader, "a number begins with 0");
    } else if (!read_digits(reader)) {
        return false;
    }
    value->type = AIRSSYS_JSON_NUMBER;
    value->is_integer = true;
    if (reader->at < reader->end && *reader->at == '.') {
        reader->at++;
        value->is_integer = false;
        if (!read_digits(reader)) return false;
    }
    if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
        reader->at++;
        value->is_integer = false;
        if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-')) reader->at++;
        if (!read_digits(reader)) return false;
    }
    size_t size = (size_t)(reader->at - start);
    /* `strtod` needs an end; the digits of a number in a config or a list are few. */
    char few[40];
    char *text = size < sizeof few ? few : airssys_alloc(size + 1);
    memcpy(text, start, size);
    text[size] = 0;
    value->number = strtod(text, NULL);
    if (isinf(value->number)) return fail(reader, "a number is too large");
    value->integer = value->is_integer ? strtoll(text, NULL, 10) : 0;
    /* At its ends `strtoll` also stands for what is beyond them. */
    if (value->integer == INT64_MAX || value->integer == INT64_MIN) {
        value->is_integer = strcmp(text, "9223372036854775807") == 0 || strcmp(text, "-9223372036854775808") == 0;
        if (!value->is_integer) value->integer = 0;
    }
    return true;
}

static bool read_hex(struct reader *reader, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *found = reader->at < reader->end && *reader->at != 0 ? strchr(digits, *reader->at) : NULL;
        if (found == NULL) return fail(reader, "\\u takes four hexadecimal digits");
        *code = *code * 16 + (uint32_t)((found - digits) % 16);
        reader->at++;
    }
    return true;
}

/* What comes after `\u`, with the second half of a pair. */
static bool read_code(struct reader *reader, uint32_t *code) {
    uint32_t low;
    if (!read_hex(reader, code)) return false;
    if (*code < 0xD800 || *code > 0xDFFF) return true;
    if (*code > 0xDBFF || reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u') {
        return fail(reader, "half of a surrogate pair");
    }
    reader->at += 2;
    if (!read_hex(reader, &low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return fail(reader, "half of a surrogate pair");
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static char *put_code(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (code & 0x3F));
    return to;
}

static bool read_escape(struct reader *reader, char **to) {
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    char letter = reader->at < reader->end ? *reader->at++ : 0;
    const char *found = letter == 0 ? NULL : strchr(from, letter);
    uint32_t code;
    if (found != NULL) {
        *(*to)++ = into[found - from];
        return true;
    }
    if (letter != 'u') return fail(reader, "no such escape");
    if (!read_code(reader, &code)) return false;
    *to = put_code(*to, code);
    return true;
}

/* A string, whose opening quote has been taken: never longer than what it was written as. */
static bool read_string(struct reader *reader, const char **string, size_t *size) {
    const char *end = reader->at;
    while (end < reader->end && *end != '"') end += *end == '\\' && end + 1 < reader->end ? 2 : 1;
    if (end >= reader->end) return fail(reader, "a string does not end");
    char *text = airssys_alloc((size_t)(end - reader->at) + 1);
    char *to = text;
    while (*reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20) return fail(reader, "a control character in a string");
        if (*reader->at != '\\') {
            *to++ = *reader->at++;
            continue;
        }
        reader->at++;
        if (!read_escape(reader, &to)) return false;
    }
    reader->at++;
    *string = text;
    *size = (size_t)(to - text);
    return true;
}

static bool read_array(struct reader *reader, airssys_json *value) {
    size_t first = reader->open_count;
    value->type = AIRSSYS_JSON_ARRAY;
    if (!take(reader, ']')) {
        do {
            airssys_json item = {0};
            if (!read_value(reader, &item)) return false;
            push(reader, item);
        } while (take(reader, ','));
        if (!take(reader, ']')) return fail(reader, "`,` or `]` is missing");
    }
    close_items(reader, first, value);
    return true;
}

static bool read_object(struct reader *reader, airssys_json *value) {
    size_t first = reader->open_count;
    value->type = AIRSSYS_JSON_OBJECT;
    if (!take(reader, '}')) {
        do {
            airssys_json member = {0};
            const char *name;
            size_t size;
            if (!take(reader, '"')) return fail(reader, "a member's name is missing");
            if (!read_string(reader, &name, &size)) return false;
            if (!take(reader, ':')) return fail(reader, "`:` is missing");
            if (!read_value(reader, &member)) return false;
            member.name = name;
            push(reader, member);
        } while (take(reader, ','));
        if (!take(reader, '}')) return fail(reader, "`,` or `}` is missing");
    }
    close_items(reader, first, value);
    return true;
}

static bool read_inner(struct reader *reader, airssys_json *value) {
    char first = *reader->at;
    switch (first) {
    case '{': reader->at++; return read_object(reader, value);
    case '[': reader->at++; return read_array(reader, value);
    case '"':
        reader->at++;
        value->type = AIRSSYS_JSON_STRING;
        return read_string(reader, &value->string, &value->size);
    case 't':
    case 'f':
        value->type = AIRSSYS_JSON_BOOLEAN;
        value->boolean = first == 't';
        return read_word(reader, value->boolean ? "true" : "false");
    case 'n': return read_word(reader, "null");
    default:
        if (first == '-' || is_digit(reader)) return read_number(reader, value);
        return fail(reader, "no value begins here");
    }
}

static bool read_value(struct reader *reader, airssys_json *value) {
    skip_space(reader);
    if (reader->at == reader->end) return fail(reader, "a value is missing");
    if (reader->depth == MAX_DEPTH) return fail(reader, "it is nested too deep");
    reader->depth++;
    bool read = read_inner(reader, value);
    reader->depth--;
    return read;
}

airssys_result airssys_json_read(airssys_bytes text, const airssys_json **value) {
    if (!airssys_is_utf8(text)) return airssys_invalid_input("the input is no JSON: it is not UTF-8");
    const char *start = text.size == 0 ? "" : text.data;
    struct reader reader = {.at = start, .end = start + text.size};
    airssys_json *root = airssys_alloc(sizeof *root);
    bool read = read_value(&reader, root);
    free(reader.open);
    if (read) skip_space(&reader);
    if (read && reader.at != reader.end) read = fail(&reader, "more follows the value");
    if (!read) {
        return airssys_invalid_input("the input is no JSON: %s at byte %zu", reader.problem,
                                     (size_t)(reader.at - start));
    }
    *value = root;
    return airssys_ok();
}

const airssys_json *airssys_json_get(const airssys_json *object, const char *name) {
    if (object == NULL || object->type != AIRSSYS_JSON_OBJECT) return NULL;
    /* The last one of a name counts, as with most readers. */
    for (size_t i = object->count; i > 0; i--) {
        if (strcmp(object->items[i - 1].name, name) == 0) return &object->items[i - 1];
    }
    return NULL;
}

static void write_string(airssys_buffer *buffer, const char *text, size_t size) {
    airssys_buffer_add(buffer, "\"", 1);
    for (size_t i = 0, plain; i < size; i += plain + 1) {
        for (plain = 0; i + plain < size; plain++) {
            unsigned char letter = (unsigned char)text[i + plain];
            if (letter < 0x20 || letter == '"' || letter == '\\') break;
        }
        airssys_buffer_add(buffer, text + i, plain);
        if (i + plain == size) break;
        unsigned char letter = (unsigned char)text[i + plain];
        char escaped[8];
        int length = snprintf(escaped, sizeof escaped, letter < 0x20 ? "\\u%04x" : "\\%c", letter);
        airssys_buffer_add(buffer, escaped, (size_t)length);
    }
    airssys_buffer_add(buffer, "\"", 1);
}

void airssys_json_write_string(airssys_buffer *buffer, const char *text) { write_string(buffer, text, strlen(text)); }

/* The shortest of the forms that read back as the same number. */
static void write_number(airssys_buffer *buffer, const airssys_json *value) {
    char text[40];
    if (value->is_integer) {
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value->number);
            if (strtod(text, NULL) == value->number) break;
        }
    }
    airssys_buffer_text(buffer, text);
}

static void write_items(airssys_buffer *buffer, const airssys_json *value, const char *brackets) {
    airssys_buffer_add(buffer, brackets, 1);
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) airssys_buffer_add(buffer, ",", 1);
        if (value->type == AIRSSYS_JSON_OBJECT) {
            airssys_json_write_string(buffer, value->items[i].name);
            airssys_buffer_add(buffer, ":", 1);
        }
        airssys_json_write(buffer, &value->items[i]);
    }
    airssys_buffer_add(buffer, brackets + 1, 1);
}

void airssys_json_write(airssys_buffer *buffer, const airssys_json *value) {
    switch (value->type) {
    case AIRSSYS_JSON_NULL: airssys_buffer_text(buffer, "null"); break;
    case AIRSSYS_JSON_BOOLEAN: airssys_buffer_text(buffer, value->boolean ? "true" : "false"); break;
    case AIRSSYS_JSON_NUMBER: write_number(buffer, value); break;
    case AIRSSYS_JSON_STRING: write_string(buffer, value->string, value->size); break;
    case AIRSSYS_JSON_ARRAY: write_items(buffer, value, "[]"); break;
    case AIRSSYS_JSON_OBJECT: write_items(buffer, value, "{}"); break;
    }
}

static airssys_result read_field(const airssys_field *field, const airssys_json *value) {
    switch (field->type) {
    case AIRSSYS_FIELD_TEXT:
        if (value->type != AIRSSYS_JSON_STRING) return airssys_invalid_config("`%s` must be a text", field->name);
        *(const char **)field->into = airssys_keep(value->string);
        break;
    case AIRSSYS_FIELD_INTEGER:
        if (value->type != AIRSSYS_JSON_NUMBER || !value->is_integer) {
            return airssys_invalid_config("`%s` must be an integer", field->name);
        }
        *(int64_t *)field->into = value->integer;
        break;
    case AIRSSYS_FIELD_NUMBER:
        if (value->type != AIRSSYS_JSON_NUMBER) return airssys_invalid_config("`%s` must be a number", field->name);
        *(double *)field->into = value->number;
        break;
    case AIRSSYS_FIELD_BOOLEAN:
        if (value->type != AIRSSYS_JSON_BOOLEAN) {
            return airssys_invalid_config("`%s` must be true or false", field->name);
        }
        *(bool *)field->into = value->boolean;
        break;
    }
    return airssys_ok();
}

static const airssys_field *field_named(const airssys_field *fields, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    }
    return NULL;
}

airssys_result airssys_read_config(const airssys_json *config, const airssys_field *fields, size_t count) {
    for (size_t i = 0; i < config->count; i++) {
        const airssys_json *value = &config->items[i];
        const airssys_field *field = field_named(fields, count, value->name);
        if (field == NULL) return airssys_invalid_config("there is no setting `%s`", value->name);
        airssys_result result = read_field(field, value);
        if (airssys_is_error(result)) return result;
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].required && airssys_json_get(config, fields[i].name) == NULL) {
            return airssys_invalid_config("`%s` is not set", fields[i].name);
        }
    }
    return airssys_ok();
}
