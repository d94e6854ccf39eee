/* An HTTP service: answers a greeting, and whatever it is sent in upper case. */
#include <airssys.h>

#include <ctype.h>
#include <string.h>

static airssys_bytes upper(airssys_bytes text) {
    airssys_buffer shouted = {0};
    airssys_buffer_add(&shouted, text.data, text.size);
    for (size_t i = 0; i < shouted.size; i++) shouted.data[i] = (char)toupper((unsigned char)shouted.data[i]);
    return airssys_buffer_bytes(&shouted);
}

static bool is(const airssys_request *request, const char *method, const char *path) {
    return strcmp(request->method, method) == 0 && strcmp(airssys_path(request), path) == 0;
}

airssys_result airssys_serve(const airssys_request *request, airssys_response *response) {
    if (is(request, "GET", "/")) return airssys_respond(response, 200, "hello\n");
    if (is(request, "POST", "/shout")) {
        return airssys_respond_bytes(response, upper(request->body), "text/plain; charset=utf-8");
    }
    return airssys_respond(response, 404, "no such page\n");
}
