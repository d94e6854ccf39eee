/* The host's part in a native test: lines go to standard error, and nothing else is there. */
#include <stdio.h>

#include "../airssys.h"

void airssys_log_under(airssys_level level, const char *name, const char *format, ...) {
    static const char *const LEVELS[] = {"trace", "debug", "info", "warn", "error", "critical"};
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s %s: ", LEVELS[level], name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void airssys_event(const char *name) { airssys_log_under(AIRSSYS_INFO, "event", "%s", name); }

static airssys_result no_host(void) { return airssys_unavailable("there is no host in a native test"); }

airssys_result airssys_setting(const char *name, const char **value) {
    (void)name, (void)value;
    return no_host();
}

airssys_result airssys_bucket_open(const char *name, airssys_bucket *bucket) {
    (void)name, (void)bucket;
    return no_host();
}

airssys_result airssys_bucket_get(airssys_bucket bucket, const char *key, airssys_bytes *value) {
    (void)bucket, (void)key, (void)value;
    return no_host();
}

airssys_result airssys_bucket_set(airssys_bucket bucket, const char *key, airssys_bytes value) {
    (void)bucket, (void)key, (void)value;
    return no_host();
}

airssys_result airssys_bucket_delete(airssys_bucket bucket, const char *key) {
    (void)bucket, (void)key;
    return no_host();
}

airssys_result airssys_bucket_exists(airssys_bucket bucket, const char *key, bool *exists) {
    (void)bucket, (void)key, (void)exists;
    return no_host();
}

airssys_result airssys_bucket_keys(airssys_bucket bucket, airssys_texts *keys) {
    (void)bucket, (void)keys;
    return no_host();
}

airssys_result airssys_bucket_increment(airssys_bucket bucket, const char *key, int64_t delta, int64_t *sum) {
    (void)bucket, (void)key, (void)delta, (void)sum;
    return no_host();
}

airssys_result airssys_call(const char *service, const airssys_input *input, airssys_output *output) {
    (void)service, (void)input, (void)output;
    return no_host();
}

airssys_result airssys_invoke(const char *service, const char *function, airssys_texts arguments, const char **answer) {
    (void)service, (void)function, (void)arguments, (void)answer;
    return no_host();
}

airssys_result airssys_run(const char *program, airssys_bytes stdin_bytes, airssys_finished *finished) {
    (void)program, (void)stdin_bytes, (void)finished;
    return no_host();
}

airssys_result airssys_fetch(const airssys_request *request, airssys_response *response) {
    (void)request, (void)response;
    return no_host();
}
