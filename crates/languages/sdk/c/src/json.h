/* JSON: read as a tree that lives as long as the call, written to a buffer; and a config read into variables. */
#ifndef AIRSSYS_JSON_H
#define AIRSSYS_JSON_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum airssys_json_type {
    AIRSSYS_JSON_NULL,
    AIRSSYS_JSON_BOOLEAN,
    AIRSSYS_JSON_NUMBER,
    AIRSSYS_JSON_STRING,
    AIRSSYS_JSON_ARRAY,
    AIRSSYS_JSON_OBJECT
} airssys_json_type;

/* A value. Only what its type says is set. */
typedef struct airssys_json {
    airssys_json_type type;
    /* Its name, where it is a member of an object; NULL elsewhere. */
    const char *name;
    bool boolean;
    /* A number, and whether it is written as an integer of 64 bits, which `integer` is then. */
    bool is_integer;
    double number;
    int64_t integer;
    /* A string in UTF-8, with a zero byte behind its `size` bytes. */
    const char *string;
    size_t size;
    /* The elements of an array, or the members of an object in their order. */
    const struct airssys_json *items;
    size_t count;
} airssys_json;

/* Reads one value: the whole of the text, at most 128 deep. The error is an `invalid-input` that says where. */
airssys_result airssys_json_read(airssys_bytes text, const airssys_json **value);

/* The member of this name; NULL where there is none or the value is no object (NULL is none). */
const airssys_json *airssys_json_get(const airssys_json *object, const char *name);

/* The value as compact JSON, members in their order. */
void airssys_json_write(airssys_buffer *buffer, const airssys_json *value);

/* A text as a JSON string with its quotes. */
void airssys_json_write_string(airssys_buffer *buffer, const char *text);

/* What a value of a config must be. */
typedef enum airssys_field_type {
    AIRSSYS_FIELD_TEXT,
    AIRSSYS_FIELD_INTEGER,
    AIRSSYS_FIELD_NUMBER,
    AIRSSYS_FIELD_BOOLEAN
} airssys_field_type;

/* A name that a config may have, and the variable that takes its value. */
typedef struct airssys_field {
    const char *name;
    airssys_field_type type;
    void *into;
    bool required;
} airssys_field;

/*
 * Reads a config into variables: AIRSSYS_FIELD_TEXT into a `const char *` that is kept, AIRSSYS_FIELD_INTEGER into an
 * `int64_t`, AIRSSYS_FIELD_NUMBER into a `double`, AIRSSYS_FIELD_BOOLEAN into a `bool`. A name that is not among the
 * fields, a value of another type and a missing one that is required are an `invalid-config`; what is not required
 * and not there leaves its variable as it is.
 */
airssys_result airssys_read_config(const airssys_json *config, const airssys_field *fields, size_t count);

#ifdef __cplusplus
}
#endif

#endif
