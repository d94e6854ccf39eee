/* A handler's exports: each calls the project's function of its name, or what stands here where it has none. */

#define OPTIONAL __attribute__((weak))

OPTIONAL airssys_result airssys_init(const airssys_json *config) {
    (void)config;
    return airssys_ok();
}

OPTIONAL airssys_result airssys_health(void) { return airssys_ok(); }

OPTIONAL void airssys_shutdown(void) {}

OPTIONAL const airssys_capability *airssys_capabilities(size_t *count) {
    *count = 0;
    return NULL;
}

/* The end of every export. The contract's kinds are the SDK's without AIRSSYS_OK, in the same order. */
static bool answered(airssys_result result, airssys_component_types_error_t *error) {
    close_buckets();
    if (!airssys_is_error(result)) return true;
    error->kind = (airssys_component_types_error_kind_t)(result.kind - AIRSSYS_INVALID_INPUT);
    error->message = text_to(result.message);
    return false;
}

bool exports_airssys_component_lifecycle_init(text_t *text, exports_airssys_component_lifecycle_error_t *error) {
    const airssys_json *config;
    airssys_bytes bytes = {text_from(*text), text->len};
    if (bytes.size == 0) bytes = airssys_text("{}");
    airssys_result read = airssys_json_read(bytes, &config);
    if (airssys_is_error(read) || config->type != AIRSSYS_JSON_OBJECT) {
        return answered(airssys_invalid_config("the configuration is no JSON object"), error);
    }
    return answered(airssys_init(config), error);
}

bool exports_airssys_component_lifecycle_health(exports_airssys_component_lifecycle_error_t *error) {
    return answered(airssys_health(), error);
}

void exports_airssys_component_lifecycle_shutdown(void) {
    airssys_shutdown();
    close_buckets();
    airssys_end_call();
}

bool exports_airssys_component_handler_execute(exports_airssys_component_handler_context_t *context,
                                               exports_airssys_component_handler_input_t *input,
                                               exports_airssys_component_handler_output_t *output,
                                               exports_airssys_component_handler_error_t *error) {
    airssys_context call = {
        .request_id = text_from(context->request_id),
        .trace_parent = option_from(context->trace_parent),
        .has_deadline = context->deadline_ns.is_some,
        .deadline_ns = context->deadline_ns.is_some ? context->deadline_ns.val : 0,
        .caller = option_from(context->caller),
        .attempt = context->attempt,
    };
    airssys_input in = {bytes_from(input->body), option_from(input->content_type), metadata_from(input->metadata)};
    airssys_output out = {0};
    if (!answered(airssys_handle(&call, &in, &out), error)) return false;
    output->body = bytes_to(out.body);
    output->content_type = option_to(out.content_type);
    output->metadata = metadata_to(out.metadata);
    return true;
}

void exports_airssys_component_capabilities_required(exports_airssys_component_capabilities_list_request_t *list) {
    size_t count = 0;
    const airssys_capability *asked = airssys_capabilities(&count);
    list->ptr = airssys_alloc(count * sizeof *list->ptr);
    list->len = count;
    for (size_t i = 0; i < count; i++) {
        list->ptr[i].capability.tag = (uint8_t)asked[i].right;
        list->ptr[i].capability.val.file_read = text_to(asked[i].target);
        list->ptr[i].reason = option_to(asked[i].reason);
    }
}

/* Called when the host has taken what an export returned. */
#define AFTER(export, name)                                                                            \
    EXPORT("cabi_post_airssys:component/" export)                                                      \
    void __wasm_export_exports_airssys_component_##name##_post_return(uint8_t *returned) {             \
        (void)returned;                                                                                \
        airssys_end_call();                                                                            \
    }

AFTER("lifecycle@0.1.0#init", lifecycle_init)
AFTER("lifecycle@0.1.0#health", lifecycle_health)
AFTER("handler@0.1.0#execute", handler_execute)
AFTER("capabilities@0.1.0#required", capabilities_required)
