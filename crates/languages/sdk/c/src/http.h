/* HTTP: requests sent, and requests served by a component of kind `http`. */
#ifndef AIRSSYS_HTTP_H
#define AIRSSYS_HTTP_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A request. */
typedef struct airssys_request {
    /* `GET`; NULL is GET in a request that is sent. */
    const char *method;
    /* The whole URL of a request that is sent; the path with its query of one that is served: `/find?word=a`. */
    const char *url;
    airssys_pairs headers;
    airssys_bytes body;
} airssys_request;

/* A response. Status 0 is 200 in a response that is given. */
typedef struct airssys_response {
    uint16_t status;
    airssys_pairs headers;
    airssys_bytes body;
} airssys_response;

/*
 * Sends a request and waits for the whole of its response. A status of 400 or 500 is no error. AIRSSYS_DENIED where the
 * host was not granted, AIRSSYS_UNAVAILABLE where it did not answer.
 */
airssys_result airssys_fetch(const airssys_request *request, airssys_response *response);

/*
 * Answers one HTTP request; a component of kind `http` defines it. The body has been read whole. An error is
 * answered with its message and 400 (invalid-input), 403 (denied), 503 (unavailable) or 500.
 */
airssys_result airssys_serve(const airssys_request *request, airssys_response *response);

/* The path of a request that is served, without its query. */
const char *airssys_path(const airssys_request *request);

/* The status that an error of this kind is answered with. */
uint16_t airssys_status(airssys_kind kind);

/* Answers with a status and text, as `printf` writes it. */
airssys_result airssys_respond(airssys_response *response, uint16_t status, const char *format, ...)
    AIRSSYS_PRINTF(3);

/* Answers 200 with bytes of a media type. */
airssys_result airssys_respond_bytes(airssys_response *response, airssys_bytes body, const char *content_type);

#ifdef __cplusplus
}
#endif

#endif
