// Unit tests, run natively by `make test`.
#include "service.hpp"

#undef NDEBUG
#include <cassert>

static void the_first_page_greets() {
    auto answer = Service().serve({.url = "/?from=here"});
    assert(answer && answer->status == 200 && answer->body == "hello\n");
}

static void what_is_sent_comes_back_louder() {
    auto answer = Service().serve({.method = "POST", .url = "/shout", .body = "ada"});
    assert(answer && answer->body == "ADA");
}

static void another_page_is_not_there() {
    auto answer = Service().serve({.url = "/shout"});
    assert(answer && answer->status == 404);
}

int main() {
    the_first_page_greets();
    what_is_sent_comes_back_louder();
    another_page_is_not_there();
}
