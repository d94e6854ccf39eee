/* Unit tests, run natively by `make test`. */
#include <airssys.h>

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "codewords.h"
#include "qr.h"

static struct qr_code code;

/* ISO/IEC 18004, table 7, for bytes. */
static void versions_hold_what_the_standard_says(void) {
    assert(codewords_room(1, QR_LOW) == 17 && codewords_room(1, QR_HIGH) == 7);
    assert(codewords_room(10, QR_MEDIUM) == 213 && codewords_room(20, QR_QUARTILE) == 482);
    assert(qr_most_bytes(QR_LOW) == 858 && qr_most_bytes(QR_HIGH) == 382);
}

static void the_smallest_version_is_taken(void) {
    assert(qr_make("12345678901234", 14, QR_MEDIUM, &code) && code.version == 1 && code.size == 21);
    assert(qr_make("123456789012345", 15, QR_MEDIUM, &code) && code.version == 2 && code.size == 25);
}

static void what_is_too_long_is_refused(void) {
    static char text[859];
    assert(qr_make(text, 858, QR_LOW, &code) && code.version == 20);
    assert(!qr_make(text, 859, QR_LOW, &code));
}

static void finders_are_in_three_corners(void) {
    assert(qr_make("a", 1, QR_LOW, &code));
    for (int i = 0; i < 7; i++) assert(code.dark[0][i] && code.dark[i][20] && code.dark[20][i]);
    assert(!code.dark[1][1] && code.dark[3][3] && !code.dark[7][7]);
}

static airssys_result call(const char *text, const airssys_pair *said, airssys_output *output) {
    airssys_context context = {.request_id = "test", .attempt = 1};
    airssys_input input = {.body = airssys_text(text), .metadata = {said, said == NULL ? 0 : 1}};
    return airssys_handle(&context, &input, output);
}

static void the_caller_chooses_the_format(void) {
    airssys_output output = {0};
    assert(!airssys_is_error(call("ada", NULL, &output)));
    assert(strcmp(output.content_type, "image/svg+xml") == 0);
    assert(!airssys_is_error(call("ada", &(airssys_pair){"Format", "png"}, &output)));
    assert(memcmp(output.body.data, "\x89PNG", 4) == 0);
    assert(call("ada", &(airssys_pair){"format", "gif"}, &output).kind == AIRSSYS_INVALID_INPUT);
    assert(call("", NULL, &output).kind == AIRSSYS_INVALID_INPUT);
}

int main(void) {
    versions_hold_what_the_standard_says();
    the_smallest_version_is_taken();
    what_is_too_long_is_refused();
    finders_are_in_three_corners();
    the_caller_chooses_the_format();
    airssys_end_call();
    return 0;
}
