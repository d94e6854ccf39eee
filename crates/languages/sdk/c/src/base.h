/* The words that all parts of the SDK share: bytes, results, pairs; and the memory that lives for one call. */
#ifndef AIRSSYS_BASE_H
#define AIRSSYS_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lets the compiler check a format against what follows it. */
#if defined(__GNUC__)
#define AIRSSYS_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))
#else
#define AIRSSYS_PRINTF(at)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes. Those that the SDK hands out are followed by a zero byte, so that text in them is a C string too. */
typedef struct airssys_bytes {
    const void *data;
    size_t size;
} airssys_bytes;

/* A name and a value: a piece of metadata, or an HTTP header. */
typedef struct airssys_pair {
    const char *name;
    const char *value;
} airssys_pair;

/* Pairs in their order. A name may stand more than once. */
typedef struct airssys_pairs {
    const airssys_pair *items;
    size_t count;
} airssys_pairs;

/* Whose fault an error is; the node answers each with its own status and exit code. */
typedef enum airssys_kind {
    AIRSSYS_OK,
    /* The caller's input can't be used. The same input will fail again. */
    AIRSSYS_INVALID_INPUT,
    /* The operator's configuration can't be used. */
    AIRSSYS_INVALID_CONFIG,
    /* The caller may not do this, or the component was not granted what it needs. */
    AIRSSYS_DENIED,
    /* Something that the component needs isn't there right now. Trying again later may help. */
    AIRSSYS_UNAVAILABLE,
    /* Anything else. */
    AIRSSYS_FAILED
} airssys_kind;

/* How something ended. The message reaches the caller, so it holds no secret; NULL where it went well. */
typedef struct airssys_result {
    airssys_kind kind;
    const char *message;
} airssys_result;

/* What a call brings. */
typedef struct airssys_input {
    airssys_bytes body;
    /* What the bytes are, as a media type; NULL where nobody said. */
    const char *content_type;
    airssys_pairs metadata;
} airssys_input;

/* What a call gives back. It is all empty at first. */
typedef struct airssys_output {
    airssys_bytes body;
    /* What the bytes are, as a media type; NULL says nothing. */
    const char *content_type;
    airssys_pairs metadata;
} airssys_output;

/* What a component can ask for. */
typedef enum airssys_right {
    /* To read, or to write, below a directory as the component sees it: `/data`. */
    AIRSSYS_FILE_READ,
    AIRSSYS_FILE_WRITE,
    /* To send HTTP requests to a host: `api.example.com`, or `*.example.com`. */
    AIRSSYS_NETWORK_OUTBOUND,
    /* To see the environment variable of a name. */
    AIRSSYS_ENVIRONMENT
} airssys_right;

/* One thing that a component asks the operator for, and why (NULL says nothing). */
typedef struct airssys_capability {
    airssys_right right;
    const char *target;
    const char *reason;
} airssys_capability;

/* It went well. */
airssys_result airssys_ok(void);

/* Errors of each kind, with a message as `printf` writes it. */
airssys_result airssys_invalid_input(const char *format, ...) AIRSSYS_PRINTF(1);
airssys_result airssys_invalid_config(const char *format, ...) AIRSSYS_PRINTF(1);
airssys_result airssys_denied(const char *format, ...) AIRSSYS_PRINTF(1);
airssys_result airssys_unavailable(const char *format, ...) AIRSSYS_PRINTF(1);
airssys_result airssys_failed(const char *format, ...) AIRSSYS_PRINTF(1);

/* Whether it is an error. */
static inline bool airssys_is_error(airssys_result result) { return result.kind != AIRSSYS_OK; }

/* A kind's name as the contract has it: `invalid-input`; and the kind of a name, AIRSSYS_OK where there is none. */
const char *airssys_kind_name(airssys_kind kind);
airssys_kind airssys_kind_named(const char *name);

/* Zeroed memory for as long as the call lasts. It never returns NULL: out of memory, the instance ends. */
void *airssys_alloc(size_t size);

/* Text for as long as the call lasts, as `printf` writes it. */
char *airssys_format(const char *format, ...) AIRSSYS_PRINTF(1);
char *airssys_format_list(const char *format, va_list arguments);

/* A copy for as long as the instance lasts, with a zero byte behind it. It can be given to `free`. */
char *airssys_keep(const char *text);
airssys_bytes airssys_keep_bytes(airssys_bytes bytes);

/*
 * Calls a function with its argument when the reply has been taken; the last one first. It can free memory, and can't
 * ask anything of the host any more.
 */
void airssys_at_end(void (*function)(void *), void *argument);

/* Frees all that lives for one call. The SDK does it after each; a native test may, between its own. */
void airssys_end_call(void);

/* A text's bytes, without the zero byte at its end; none for NULL. */
airssys_bytes airssys_text(const char *text);

/* Whether bytes are UTF-8. */
bool airssys_is_utf8(airssys_bytes bytes);

/* The first value of this name, without regard to the name's case; NULL where there is none. */
const char *airssys_find(airssys_pairs pairs, const char *name);

/* Bytes that grow, for as long as the call lasts. All zeros is an empty one; `data` ends in a zero byte. */
typedef struct airssys_buffer {
    char *data;
    size_t size;
    size_t room;
} airssys_buffer;

void airssys_buffer_add(airssys_buffer *buffer, const void *data, size_t size);
void airssys_buffer_text(airssys_buffer *buffer, const char *text);
void airssys_buffer_format(airssys_buffer *buffer, const char *format, ...) AIRSSYS_PRINTF(2);

/* Its bytes, as they are now. */
airssys_bytes airssys_buffer_bytes(const airssys_buffer *buffer);

#ifdef __cplusplus
}
#endif

#endif
