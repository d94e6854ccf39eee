/* Requests sent, and the streams and headers that serving shares with it. */

/* How much is asked of a stream at once: with what the memory keeps beside it, a page of WebAssembly's. */
#define READ_SIZE ((uint64_t)64 * 1024 - 64)
/* What `blocking-write-and-flush` takes at once, by its contract. */
#define WRITE_SIZE ((size_t)4096)

static const char *const METHODS[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
#define METHOD_COUNT (sizeof METHODS / sizeof *METHODS)

static wasi_http_types_method_t method_to(const char *method) {
    for (uint8_t i = 0; i < METHOD_COUNT; i++) {
        if (strcmp(METHODS[i], method) == 0) return (wasi_http_types_method_t){.tag = i};
    }
    return (wasi_http_types_method_t){.tag = WASI_HTTP_TYPES_METHOD_OTHER, .val.other = text_to(method)};
}

/* The headers of what is sent; false where the host refuses one. */
static bool fields_to(airssys_pairs headers, wasi_http_types_own_fields_t *fields) {
    wasi_http_types_tuple2_field_name_field_value_t *entries = airssys_alloc(headers.count * sizeof *entries);
    for (size_t i = 0; i < headers.count; i++) {
        airssys_bytes value = airssys_text(headers.items[i].value);
        entries[i].f0 = text_to(headers.items[i].name);
        entries[i].f1 = (wasi_http_types_field_value_t){(uint8_t *)value.data, value.size};
    }
    wasi_http_types_list_tuple2_field_name_field_value_t list = {entries, headers.count};
    wasi_http_types_header_error_t error;
    return wasi_http_types_static_fields_from_list(&list, fields, &error);
}

/* The headers of what came; the resource is dropped. */
static airssys_pairs fields_from(wasi_http_types_own_fields_t fields) {
    wasi_http_types_list_tuple2_field_name_field_value_t list;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &list);
    wasi_http_types_fields_drop_own(fields);
    airssys_pair *items = airssys_alloc(list.len * sizeof *items);
    for (size_t i = 0; i < list.len; i++) {
        list_t value = {list.ptr[i].f1.ptr, list.ptr[i].f1.len};
        items[i] = (airssys_pair){text_from(list.ptr[i].f0), bytes_from(value).data};
    }
    return (airssys_pairs){items, list.len};
}

/* What has come of a body, the last piece first. */
struct piece {
    struct piece *before;
    list_t bytes;
};

/* The pieces as one. Each is freed when it has been copied: a body is there twice for a moment, and then once. */
static airssys_bytes joined(const struct piece *last, size_t size) {
    if (last == NULL) return bytes_from((list_t){NULL, 0});
    if (last->before == NULL) return bytes_from(last->bytes);
    char *whole = alloc_bytes(size);
    for (size_t at = size; last != NULL; last = last->before) {
        at -= last->bytes.len;
        memcpy(whole + at, last->bytes.ptr, last->bytes.len);
        free_bytes(last->bytes.ptr, last->bytes.len);
    }
    return (airssys_bytes){whole, size};
}

/* Reads a body to its end and drops it; false where it broke off. */
static bool body_from(wasi_http_types_own_incoming_body_t body, airssys_bytes *bytes) {
    wasi_http_types_own_input_stream_t stream;
    struct piece *last = NULL;
    size_t size = 0;
    bool whole = false;
    if (wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream)) {
        list_t bytes_read;
        wasi_io_streams_stream_error_t error;
        while (wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(stream), READ_SIZE,
                                                                 &bytes_read, &error)) {
            if (bytes_read.len == 0) continue;
            struct piece *piece = airssys_alloc(sizeof *piece);
            *piece = (struct piece){last, bytes_read};
            last = piece;
            size += bytes_read.len;
        }
        whole = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
        if (!whole) wasi_io_error_error_drop_own(error.val.last_operation_failed);
        wasi_io_streams_input_stream_drop_own(stream);
    }
    wasi_http_types_incoming_body_drop_own(body);
    *bytes = joined(last, size);
    return whole;
}

static bool write_all(wasi_http_types_own_output_stream_t stream, airssys_bytes bytes) {
    for (size_t at = 0; at < bytes.size; at += WRITE_SIZE) {
        size_t left = bytes.size - at;
        list_t piece = {(uint8_t *)bytes.data + at, left < WRITE_SIZE ? left : WRITE_SIZE};
        wasi_io_streams_stream_error_t error;
        if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream),
                                                                           &piece, &error)) {
            if (error.tag != WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
                wasi_io_error_error_drop_own(error.val.last_operation_failed);
            }
            return false;
        }
    }
    return true;
}

/* Writes a body and finishes it; false where the other side has gone. */
static bool body_to(wasi_http_types_own_outgoing_body_t body, airssys_bytes bytes) {
    wasi_http_types_own_output_stream_t stream;
    wasi_http_types_error_code_t error;
    bool written = wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
    if (written) {
        written = write_all(stream, bytes);
        wasi_io_streams_output_stream_drop_own(stream);
    }
    return wasi_http_types_static_outgoing_body_finish(body, NULL, &error) && written;
}

/* Who is asked: a URL's scheme and host. Errors reach the caller; a path, a query and a password can hold secrets. */
static const char *origin(const char *url) {
    size_t scheme = strcspn(url, ":/?#");
    const char *host = strncmp(url + scheme, "://", 3) == 0 ? url + scheme + 3 : url;
    int before = (int)(host - url), size = (int)strcspn(host, "/?#");
    for (int i = size; i > 0; i--) {
        if (host[i - 1] != '@') continue;
        host += i;
        size -= i;
        break;
    }
    return airssys_format("%.*s%.*s", before, url, size, host);
}

static airssys_result http_error(const wasi_http_types_error_code_t *error, const char *url) {
    const char *asked = origin(url);
    switch (error->tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_DENIED:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_IP_PROHIBITED: return airssys_denied("%s is not granted", asked);
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_ERROR:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_NOT_FOUND:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_UNAVAILABLE:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_IP_UNROUTABLE:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_REFUSED:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TERMINATED: return airssys_unavailable("%s can't be reached", asked);
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_READ_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_WRITE_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TIMEOUT: return airssys_unavailable("%s took too long", asked);
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_LIMIT_REACHED:
        return airssys_unavailable("%s: as many connections are open as may be", asked);
    case WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR:
        if (error->val.internal_error.is_some) {
            return airssys_failed("%s: %s", asked, text_from(error->val.internal_error.val));
        }
        return airssys_failed("%s: the request failed", asked);
    default: return airssys_failed("%s: the request failed (error %d of wasi:http)", asked, error->tag);
    }
}

/* Takes a URL apart into what a request is made of; false where it is no URL of HTTP. */
static bool aim(wasi_http_types_borrow_outgoing_request_t request, const char *url) {
    wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_HTTPS};
    const char *host;
    if (strncasecmp(url, "https://", 8) == 0) {
        host = url + 8;
    } else if (strncasecmp(url, "http://", 7) == 0) {
        host = url + 7;
        scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTP;
    } else {
        return false;
    }
    size_t host_size = strcspn(host, "/?#");
    const char *path = host + host_size;
    size_t path_size = strcspn(path, "#");
    /* A path is never empty: `http://host?word=a` asks for `/?word=a`. */
    text_t target = text_to(airssys_format("%s%.*s", *path == '/' ? "" : "/", (int)path_size, path));
    text_t authority = text_to(airssys_format("%.*s", (int)host_size, host));
    return wasi_http_types_method_outgoing_request_set_scheme(request, &scheme) &&
           wasi_http_types_method_outgoing_request_set_authority(request, &authority) &&
           wasi_http_types_method_outgoing_request_set_path_with_query(request, &target);
}

/* Makes a request with its body to be written. On an error nothing is left. */
static airssys_result prepare(const airssys_request *request, wasi_http_types_own_outgoing_request_t *made,
                              wasi_http_types_own_outgoing_body_t *body) {
    wasi_http_types_own_fields_t fields;
    if (!fields_to(request->headers, &fields)) return airssys_failed("a header of the request can't be sent");
    *made = wasi_http_types_constructor_outgoing_request(fields);
    wasi_http_types_borrow_outgoing_request_t it = wasi_http_types_borrow_outgoing_request(*made);
    wasi_http_types_method_t method = method_to(request->method == NULL ? "GET" : request->method);
    if (wasi_http_types_method_outgoing_request_set_method(it, &method) && aim(it, request->url) &&
        wasi_http_types_method_outgoing_request_body(it, body)) {
        return airssys_ok();
    }
    wasi_http_types_outgoing_request_drop_own(*made);
    return airssys_failed("`%s` can't be asked for: it is no URL or no method of HTTP", origin(request->url));
}

/* Waits for what a request comes to. */
static airssys_result await_response(wasi_http_types_own_future_incoming_response_t future, const char *url,
                                     wasi_http_types_own_incoming_response_t *response) {
    wasi_http_types_borrow_future_incoming_response_t it = wasi_http_types_borrow_future_incoming_response(future);
    wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_incoming_response_subscribe(it);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t came;
    bool is_there = wasi_http_types_method_future_incoming_response_get(it, &came);
    wasi_http_types_future_incoming_response_drop_own(future);
    if (!is_there || came.is_err) return airssys_failed("%s: the response is not there", origin(url));
    if (came.val.ok.is_err) return http_error(&came.val.ok.val.err, url);
    *response = came.val.ok.val.ok;
    return airssys_ok();
}

/* Reads a response and drops it. */
static airssys_result response_from(wasi_http_types_own_incoming_response_t from, const char *url,
                                    airssys_response *response) {
    wasi_http_types_borrow_incoming_response_t it = wasi_http_types_borrow_incoming_response(from);
    wasi_http_types_own_incoming_body_t body;
    response->status = wasi_http_types_method_incoming_response_status(it);
    response->headers = fields_from(wasi_http_types_method_incoming_response_headers(it));
    bool whole = wasi_http_types_method_incoming_response_consume(it, &body) && body_from(body, &response->body);
    wasi_http_types_incoming_response_drop_own(from);
    return whole ? airssys_ok() : airssys_unavailable("%s: the response broke off", origin(url));
}

airssys_result airssys_fetch(const airssys_request *request, airssys_response *response) {
    wasi_http_types_own_outgoing_request_t made;
    wasi_http_types_own_outgoing_body_t body;
    wasi_http_types_own_future_incoming_response_t future;
    wasi_http_types_own_incoming_response_t came;
    wasi_http_types_error_code_t error;
    airssys_result result = prepare(request, &made, &body);
    if (airssys_is_error(result)) return result;
    if (!wasi_http_outgoing_handler_handle(made, NULL, &future, &error)) {
        wasi_http_types_outgoing_body_drop_own(body);
        return http_error(&error, request->url);
    }
    /* Where the other side takes no more of the body, its response says why. */
    body_to(body, request->body);
    result = await_response(future, request->url, &came);
    return airssys_is_error(result) ? result : response_from(came, request->url, response);
}
