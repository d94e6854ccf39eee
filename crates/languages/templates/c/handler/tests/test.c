/* Unit tests, run natively by `make test`. */
#include <airssys.h>

#undef NDEBUG
#include <assert.h>
#include <string.h>

static airssys_result greet(const char *name, airssys_output *output) {
    airssys_context context = {.request_id = "test", .attempt = 1};
    airssys_input input = {.body = airssys_text(name)};
    return airssys_handle(&context, &input, output);
}

static airssys_result configure(const char *text) {
    const airssys_json *config;
    assert(!airssys_is_error(airssys_json_read(airssys_text(text), &config)));
    return airssys_init(config);
}

static void a_name_is_greeted(void) {
    airssys_output output = {0};
    assert(greet(" ada\n", &output).kind == AIRSSYS_OK);
    assert(strcmp(output.body.data, "hello, ada!") == 0);
}

static void nobody_is_the_callers_mistake(void) {
    airssys_output output = {0};
    assert(greet(" ", &output).kind == AIRSSYS_INVALID_INPUT);
}

static void a_setting_that_is_not_known_is_refused(void) {
    assert(configure("{\"greting\": \"hello\"}").kind == AIRSSYS_INVALID_CONFIG);
}

int main(void) {
    assert(configure("{\"greeting\": \"hello\"}").kind == AIRSSYS_OK);
    a_name_is_greeted();
    nobody_is_the_callers_mistake();
    a_setting_that_is_not_known_is_refused();
    airssys_end_call();
    return 0;
}
