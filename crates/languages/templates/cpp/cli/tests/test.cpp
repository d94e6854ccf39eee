// Unit tests, run natively by `make test`.
#include "greet.hpp"

#include <sstream>

#undef NDEBUG
#include <cassert>

static void each_line_is_greeted() {
    std::istringstream names("ada\ngrace\n");
    std::ostringstream written;
    assert(greet("hi", names, written));
    assert(written.str() == "hi, ada!\nhi, grace!\n");
}

int main() { each_line_is_greeted(); }
