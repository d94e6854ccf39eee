/* What the host gives, but for HTTP: each function of host.h by the bindings' one. */

void airssys_log_under(airssys_level level, const char *name, const char *format, ...) {
    char *text;
    FORMAT_INTO(text, format);
    text_t context = text_to(name), message = text_to(text);
    wasi_logging_logging_log((wasi_logging_logging_level_t)level, &context, &message);
}

void airssys_event(const char *name) { airssys_log_under(AIRSSYS_INFO, "event", "%s", name); }

airssys_result airssys_setting(const char *name, const char **value) {
    text_t key = text_to(name);
    airssys_bindings_option_string_t found;
    wasi_config_store_error_t error;
    if (!wasi_config_store_get(&key, &found, &error)) {
        return airssys_failed("the setting `%s`: %s", name, text_from(error.val.upstream));
    }
    *value = option_from(found);
    return airssys_ok();
}

static airssys_result bucket_error(const wasi_keyvalue_store_error_t *error) {
    switch (error->tag) {
    case WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED: return airssys_denied("the bucket is not granted");
    case WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE: return airssys_failed("there is no such bucket");
    default: return airssys_failed("%s", text_from(error->val.other));
    }
}

static wasi_keyvalue_store_borrow_bucket_t borrowed(airssys_bucket bucket) {
    return wasi_keyvalue_store_borrow_bucket((wasi_keyvalue_store_own_bucket_t){bucket.handle});
}

struct open_bucket {
    struct open_bucket *next;
    wasi_keyvalue_store_own_bucket_t bucket;
};

/* Those that this call has opened. They are closed before it returns: nothing may be asked of the host after that. */
static struct open_bucket *open_buckets;

static inline void close_buckets(void) {
    for (; open_buckets != NULL; open_buckets = open_buckets->next) {
        wasi_keyvalue_store_bucket_drop_own(open_buckets->bucket);
    }
}

airssys_result airssys_bucket_open(const char *name, airssys_bucket *bucket) {
    text_t identifier = text_to(name);
    wasi_keyvalue_store_own_bucket_t opened;
    wasi_keyvalue_store_error_t error;
    if (!wasi_keyvalue_store_open(&identifier, &opened, &error)) return bucket_error(&error);
    bucket->handle = opened.__handle;
    struct open_bucket *it = airssys_alloc(sizeof *it);
    *it = (struct open_bucket){open_buckets, opened};
    open_buckets = it;
    return airssys_ok();
}

airssys_result airssys_bucket_get(airssys_bucket bucket, const char *key, airssys_bytes *value) {
    text_t name = text_to(key);
    airssys_bindings_option_list_u8_t found;
    wasi_keyvalue_store_error_t error;
    if (!wasi_keyvalue_store_method_bucket_get(borrowed(bucket), &name, &found, &error)) return bucket_error(&error);
    *value = found.is_some ? bytes_from(found.val) : (airssys_bytes){NULL, 0};
    return airssys_ok();
}

airssys_result airssys_bucket_set(airssys_bucket bucket, const char *key, airssys_bytes value) {
    text_t name = text_to(key);
    list_t bytes = bytes_to(value);
    wasi_keyvalue_store_error_t error;
    bool set = wasi_keyvalue_store_method_bucket_set(borrowed(bucket), &name, &bytes, &error);
    return set ? airssys_ok() : bucket_error(&error);
}

airssys_result airssys_bucket_delete(airssys_bucket bucket, const char *key) {
    text_t name = text_to(key);
    wasi_keyvalue_store_error_t error;
    bool deleted = wasi_keyvalue_store_method_bucket_delete(borrowed(bucket), &name, &error);
    return deleted ? airssys_ok() : bucket_error(&error);
}

airssys_result airssys_bucket_exists(airssys_bucket bucket, const char *key, bool *exists) {
    text_t name = text_to(key);
    wasi_keyvalue_store_error_t error;
    bool asked = wasi_keyvalue_store_method_bucket_exists(borrowed(bucket), &name, exists, &error);
    return asked ? airssys_ok() : bucket_error(&error);
}

airssys_result airssys_bucket_keys(airssys_bucket bucket, airssys_texts *keys) {
    airssys_buffer found = {0};
    text_t cursor, *from = NULL;
    do {
        wasi_keyvalue_store_key_response_t page;
        wasi_keyvalue_store_error_t error;
        if (!wasi_keyvalue_store_method_bucket_list_keys(borrowed(bucket), from, &page, &error)) {
            return bucket_error(&error);
        }
        for (size_t i = 0; i < page.keys.len; i++) {
            const char *key = text_from(page.keys.ptr[i]);
            airssys_buffer_add(&found, &key, sizeof key);
        }
        cursor = page.cursor.val;
        from = page.cursor.is_some ? &cursor : NULL;
    } while (from != NULL);
    *keys = (airssys_texts){(const char *const *)found.data, found.size / sizeof(char *)};
    return airssys_ok();
}

airssys_result airssys_bucket_increment(airssys_bucket bucket, const char *key, int64_t delta, int64_t *sum) {
    text_t name = text_to(key);
    wasi_keyvalue_atomics_error_t error;
    bool added = wasi_keyvalue_atomics_increment(borrowed(bucket), &name, delta, sum, &error);
    return added ? airssys_ok() : bucket_error(&error);
}

static airssys_result call_error(const airssys_component_services_call_error_t *error) {
    switch (error->tag) {
    case AIRSSYS_COMPONENT_SERVICES_CALL_ERROR_DENIED: return airssys_denied("the call of the service is not granted");
    case AIRSSYS_COMPONENT_SERVICES_CALL_ERROR_LOOP_DETECTED: return airssys_failed("the call would wait for itself");
    case AIRSSYS_COMPONENT_SERVICES_CALL_ERROR_BUSY:
    case AIRSSYS_COMPONENT_SERVICES_CALL_ERROR_TIMED_OUT:
        return airssys_unavailable("%s", text_from(error->val.busy));
    case AIRSSYS_COMPONENT_SERVICES_CALL_ERROR_FAULT: {
        /* Its input was this component's doing, and not its caller's. */
        bool again = error->val.fault.kind == AIRSSYS_COMPONENT_TYPES_ERROR_KIND_UNAVAILABLE;
        const char *message = text_from(error->val.fault.message);
        return again ? airssys_unavailable("%s", message) : airssys_failed("%s", message);
    }
    default: return airssys_failed("%s", text_from(error->val.failed));
    }
}

airssys_result airssys_call(const char *service, const airssys_input *input, airssys_output *output) {
    text_t name = text_to(service);
    airssys_component_services_input_t sent = {bytes_to(input->body), option_to(input->content_type),
                                               metadata_to(input->metadata)};
    airssys_component_services_output_t answer;
    airssys_component_services_call_error_t error;
    if (!airssys_component_services_call(&name, &sent, &answer, &error)) return call_error(&error);
    *output = (airssys_output){bytes_from(answer.body), option_from(answer.content_type),
                               metadata_from(answer.metadata)};
    return airssys_ok();
}

airssys_result airssys_invoke(const char *service, const char *function, airssys_texts arguments, const char **answer) {
    text_t name = text_to(service), called = text_to(function), result;
    airssys_bindings_list_string_t list = {airssys_alloc(arguments.count * sizeof(text_t)), arguments.count};
    for (size_t i = 0; i < arguments.count; i++) list.ptr[i] = text_to(arguments.items[i]);
    airssys_component_services_call_error_t error;
    if (!airssys_component_services_invoke(&name, &called, &list, &result, &error)) return call_error(&error);
    *answer = text_from(result);
    return airssys_ok();
}

static airssys_result run_error(const airssys_component_process_error_t *error) {
    switch (error->tag) {
    case AIRSSYS_COMPONENT_PROCESS_ERROR_DENIED: return airssys_denied("the program is not granted");
    case AIRSSYS_COMPONENT_PROCESS_ERROR_NO_SUCH_PROGRAM:
        return airssys_failed("the operator's list has no such program");
    case AIRSSYS_COMPONENT_PROCESS_ERROR_BUSY: return airssys_unavailable("%s", text_from(error->val.busy));
    default: return airssys_failed("%s", text_from(error->val.failed));
    }
}

airssys_result airssys_run(const char *program, airssys_bytes stdin_bytes, airssys_finished *finished) {
    text_t name = text_to(program);
    list_t bytes = bytes_to(stdin_bytes);
    airssys_component_process_finished_t ended;
    airssys_component_process_error_t error;
    if (!airssys_component_process_run(&name, &bytes, &ended, &error)) return run_error(&error);
    *finished = (airssys_finished){ended.exit_code, bytes_from(ended.stdout_), bytes_from(ended.stderr_)};
    return airssys_ok();
}
