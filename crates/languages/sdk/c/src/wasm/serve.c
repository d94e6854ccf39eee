/* The export of an HTTP service: reads a request whole, calls `airssys_serve` and sends what it gives. */

static const char *method_from(wasi_http_types_method_t method) {
    return method.tag < METHOD_COUNT ? METHODS[method.tag] : text_from(method.val.other);
}

/* Reads a request and drops it; false where its body broke off. */
static bool request_from(wasi_http_types_own_incoming_request_t from, airssys_request *request) {
    wasi_http_types_borrow_incoming_request_t it = wasi_http_types_borrow_incoming_request(from);
    wasi_http_types_method_t method;
    text_t path;
    wasi_http_types_own_incoming_body_t body;
    wasi_http_types_method_incoming_request_method(it, &method);
    request->method = method_from(method);
    request->url = wasi_http_types_method_incoming_request_path_with_query(it, &path) ? text_from(path) : "/";
    request->headers = fields_from(wasi_http_types_method_incoming_request_headers(it));
    bool whole = wasi_http_types_method_incoming_request_consume(it, &body) && body_from(body, &request->body);
    wasi_http_types_incoming_request_drop_own(from);
    return whole;
}

static void send(wasi_http_types_own_response_outparam_t to, const airssys_response *response) {
    wasi_http_types_own_fields_t fields;
    wasi_http_types_own_outgoing_body_t body;
    wasi_http_types_result_own_outgoing_response_error_code_t result = {0};
    if (!fields_to(response->headers, &fields)) {
        airssys_log(AIRSSYS_ERROR, "a header of the response can't be sent");
        result.is_err = true;
        result.val.err.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR;
        wasi_http_types_static_response_outparam_set(to, &result);
        return;
    }
    result.val.ok = wasi_http_types_constructor_outgoing_response(fields);
    wasi_http_types_borrow_outgoing_response_t it = wasi_http_types_borrow_outgoing_response(result.val.ok);
    uint16_t status = response->status == 0 ? 200 : response->status;
    if (!wasi_http_types_method_outgoing_response_set_status_code(it, status)) {
        airssys_log(AIRSSYS_ERROR, "%d is no status of HTTP", status);
        wasi_http_types_method_outgoing_response_set_status_code(it, 500);
    }
    bool has_body = wasi_http_types_method_outgoing_response_body(it, &body);
    wasi_http_types_static_response_outparam_set(to, &result);
    /* A caller who has gone away is no error of this component's. */
    if (has_body) body_to(body, response->body);
}

void exports_wasi_http_incoming_handler_handle(exports_wasi_http_incoming_handler_own_incoming_request_t from,
                                               exports_wasi_http_incoming_handler_own_response_outparam_t to) {
    airssys_request request = {0};
    airssys_response response = {0};
    airssys_result result = request_from(from, &request) ? airssys_serve(&request, &response)
                                                         : airssys_invalid_input("the request broke off");
    if (airssys_is_error(result)) airssys_respond(&response, airssys_status(result.kind), "%s\n", result.message);
    send(to, &response);
    close_buckets();
    airssys_end_call();
}
