// Unit tests, run natively by `make test`.
#include "greeter.hpp"

#undef NDEBUG
#include <cassert>

static airssys::Result<Greeter> greeter(std::string_view config) {
    return Greeter::init(*airssys::Config::from_json(config));
}

static void a_name_is_greeted() {
    auto answer = greeter(R"({"greeting": "hello"})")->handle({.body = " ada\n"});
    assert(answer && answer->body == "hello, ada!");
}

static void nobody_is_the_callers_mistake() {
    auto answer = greeter(R"({"greeting": "hello"})")->handle({.body = " "});
    assert(!answer && answer.error().kind == airssys::Kind::InvalidInput);
}

static void a_setting_that_is_not_known_is_refused() {
    auto made = greeter(R"({"greting": "hello"})");
    assert(!made && made.error().kind == airssys::Kind::InvalidConfig);
}

int main() {
    a_name_is_greeted();
    nobody_is_the_callers_mistake();
    a_setting_that_is_not_known_is_refused();
    airssys_end_call();
}
