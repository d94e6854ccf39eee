/*
 * What the host gives: the log, settings, key-value buckets, other services, programs. Each is granted by the
 * operator; what is not granted answers AIRSSYS_DENIED. Natively, in tests, the log goes to standard error and
 * nothing else is there.
 */
#ifndef AIRSSYS_HOST_H
#define AIRSSYS_HOST_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What kind of line it is. */
typedef enum airssys_level {
    AIRSSYS_TRACE,
    AIRSSYS_DEBUG,
    AIRSSYS_INFO,
    AIRSSYS_WARN,
    AIRSSYS_ERROR,
    AIRSSYS_CRITICAL
} airssys_level;

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

/* A line of the service's log, under the name of the source file: `airssys_log(AIRSSYS_INFO, "%d words", count)`. */
#define airssys_log(level, ...) airssys_log_under(level, __FILE_NAME__, __VA_ARGS__)

/* The same under another name. */
void airssys_log_under(airssys_level level, const char *name, const char *format, ...) AIRSSYS_PRINTF(3);

/* Says that something happened in this call, such as `bought`: an experiment can count the calls with it. */
void airssys_event(const char *name);

/* A value of `wasi:config`; NULL where it is not set. */
airssys_result airssys_setting(const char *name, const char **value);

/* A bucket of the host's key-value store. It is closed when the call ends in which it was opened. */
typedef struct airssys_bucket {
    int32_t handle;
} airssys_bucket;

/* Keys, or other texts. */
typedef struct airssys_texts {
    const char *const *items;
    size_t count;
} airssys_texts;

/* Opens the bucket of this name. */
airssys_result airssys_bucket_open(const char *name, airssys_bucket *bucket);

/* The value under this key; its `data` is NULL where there is none. */
airssys_result airssys_bucket_get(airssys_bucket bucket, const char *key, airssys_bytes *value);

/* Sets the value under this key, whether there was one or not. */
airssys_result airssys_bucket_set(airssys_bucket bucket, const char *key, airssys_bytes value);

/* Deletes the entry under this key, if there is one. */
airssys_result airssys_bucket_delete(airssys_bucket bucket, const char *key);

/* Whether there is an entry under this key. */
airssys_result airssys_bucket_exists(airssys_bucket bucket, const char *key, bool *exists);

/* All keys, in the host's order. */
airssys_result airssys_bucket_keys(airssys_bucket bucket, airssys_texts *keys);

/* Adds to the number under this key, which begins at 0, and gives the sum; nothing comes between. */
airssys_result airssys_bucket_increment(airssys_bucket bucket, const char *key, int64_t delta, int64_t *sum);

/* Calls another service's handler. An error of its own is AIRSSYS_FAILED here, AIRSSYS_UNAVAILABLE where it was that. */
airssys_result airssys_call(const char *service, const airssys_input *input, airssys_output *output);

/* Calls a function of another service, `name` or `interface#name`, with arguments and a result as WAVE text. */
airssys_result airssys_invoke(const char *service, const char *function, airssys_texts arguments, const char **answer);

/* What a program that ended leaves; 128 and the signal's number where a signal ended it. */
typedef struct airssys_finished {
    int32_t exit_code;
    airssys_bytes stdout_bytes;
    airssys_bytes stderr_bytes;
} airssys_finished;

/* Runs an entry of the operator's list of programs to its end. One that fails is no error: its exit code says so. */
airssys_result airssys_run(const char *program, airssys_bytes stdin_bytes, airssys_finished *finished);

#ifdef __cplusplus
}
#endif

#endif
