/* Operations on what the host gives. */
#include <stdlib.h>
#include <string.h>

#include "operations.h"

/* Cuts the next word off, up to a space; the rest is what follows it. */
static const char *next_word(const char **rest) {
    size_t size = strcspn(*rest, " ");
    const char *word = airssys_format("%.*s", (int)size, *rest);
    *rest += size;
    if (**rest == ' ') (*rest)++;
    return word;
}

OPERATION(op_log) {
    (void)context;
    static const char *const LEVELS[] = {"trace", "debug", "info", "warn", "error", "critical"};
    const char *text = body_of(input), *name = next_word(&text);
    for (int level = AIRSSYS_TRACE; level <= AIRSSYS_CRITICAL; level++) {
        if (strcmp(LEVELS[level], name) != 0) continue;
        airssys_log((airssys_level)level, "%s", text);
        return airssys_reply_text(output, "logged");
    }
    return airssys_invalid_input("no level called %s", name);
}

OPERATION(op_env) {
    (void)context;
    const char *value;
    airssys_result got = airssys_setting(body_of(input), &value);
    if (airssys_is_error(got)) return got;
    return value == NULL ? airssys_invalid_input("not set") : airssys_reply_text(output, "%s", value);
}

OPERATION(op_kv_set) {
    (void)context;
    const char *value = body_of(input), *name = next_word(&value), *key = next_word(&value);
    airssys_bucket bucket;
    airssys_result result = airssys_bucket_open(name, &bucket);
    if (!airssys_is_error(result)) result = airssys_bucket_set(bucket, key, airssys_text(value));
    return airssys_is_error(result) ? result : airssys_reply_text(output, "set");
}

OPERATION(op_kv_get) {
    (void)context;
    const char *key = body_of(input), *name = next_word(&key);
    airssys_bucket bucket;
    airssys_bytes value;
    airssys_result result = airssys_bucket_open(name, &bucket);
    if (!airssys_is_error(result)) result = airssys_bucket_get(bucket, key, &value);
    if (airssys_is_error(result)) return result;
    if (value.data == NULL) return airssys_invalid_input("no such key");
    return airssys_reply_bytes(output, value, NULL);
}

OPERATION(op_kv_delete) {
    (void)context;
    const char *key = body_of(input), *name = next_word(&key);
    airssys_bucket bucket;
    airssys_result result = airssys_bucket_open(name, &bucket);
    if (!airssys_is_error(result)) result = airssys_bucket_delete(bucket, key);
    return airssys_is_error(result) ? result : airssys_reply_text(output, "deleted");
}

OPERATION(op_kv_increment) {
    (void)context;
    const char *delta = body_of(input), *name = next_word(&delta), *key = next_word(&delta);
    airssys_bucket bucket;
    int64_t sum;
    airssys_result result = airssys_bucket_open(name, &bucket);
    if (!airssys_is_error(result)) result = airssys_bucket_increment(bucket, key, strtoll(delta, NULL, 10), &sum);
    return airssys_is_error(result) ? result : airssys_reply_text(output, "%lld", (long long)sum);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

OPERATION(op_kv_list) {
    (void)context;
    airssys_bucket bucket;
    airssys_texts keys;
    airssys_result result = airssys_bucket_open(body_of(input), &bucket);
    if (!airssys_is_error(result)) result = airssys_bucket_keys(bucket, &keys);
    if (airssys_is_error(result)) return result;
    const char **sorted = airssys_alloc(keys.count * sizeof *sorted);
    if (keys.count > 0) memcpy(sorted, keys.items, keys.count * sizeof *sorted);
    qsort(sorted, keys.count, sizeof *sorted, by_text);
    airssys_buffer lines = {0};
    for (size_t i = 0; i < keys.count; i++) airssys_buffer_format(&lines, "%s%s", i > 0 ? "\n" : "", sorted[i]);
    return airssys_reply_bytes(output, airssys_buffer_bytes(&lines), "text/plain; charset=utf-8");
}

OPERATION(op_http) {
    (void)context;
    const char *body = body_of(input), *method = next_word(&body), *url = next_word(&body);
    airssys_request request = {.method = method, .url = url, .body = airssys_text(body)};
    airssys_response response;
    airssys_result result = airssys_fetch(&request, &response);
    if (airssys_is_error(result)) return result;
    airssys_buffer answer = {0};
    airssys_buffer_format(&answer, "%d ", response.status);
    airssys_buffer_add(&answer, response.body.data, response.body.size);
    return airssys_reply_bytes(output, airssys_buffer_bytes(&answer), NULL);
}
