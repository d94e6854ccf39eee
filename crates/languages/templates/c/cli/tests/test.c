/* Unit tests, run natively by `make test`. */
#include "greet.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>

static void each_line_is_greeted(void) {
    char lines[] = "ada\ngrace\n", written[64] = {0};
    FILE *from = fmemopen(lines, strlen(lines), "r"), *to = fmemopen(written, sizeof written, "w");
    assert(greet("hi", from, to) == 0);
    fclose(from);
    fclose(to);
    assert(strcmp(written, "hi, ada!\nhi, grace!\n") == 0);
}

int main(void) {
    each_line_is_greeted();
    return 0;
}
