/* Unit tests, run natively by `make test`. */
#include <airssys.h>

#undef NDEBUG
#include <assert.h>
#include <string.h>

static airssys_response ask(const char *method, const char *url, const char *body) {
    airssys_request request = {.method = method, .url = url, .body = airssys_text(body)};
    airssys_response response = {0};
    assert(!airssys_is_error(airssys_serve(&request, &response)));
    return response;
}

static void the_first_page_greets(void) {
    airssys_response response = ask("GET", "/?from=here", "");
    assert(response.status == 200);
    assert(strcmp(response.body.data, "hello\n") == 0);
}

static void what_is_sent_comes_back_louder(void) {
    assert(strcmp(ask("POST", "/shout", "ada").body.data, "ADA") == 0);
}

static void another_page_is_not_there(void) { assert(ask("GET", "/shout", "").status == 404); }

int main(void) {
    the_first_page_greets();
    what_is_sent_comes_back_louder();
    another_page_is_not_there();
    airssys_end_call();
    return 0;
}
