/* Greets whoever the input names. */
#include <airssys.h>

#include <ctype.h>
#include <string.h>

/* The `[config]` of Component.toml. A name that is not listed below is refused when the component is deployed. */
static const char *greeting;

static const airssys_field SETTINGS[] = {
    {"greeting", AIRSSYS_FIELD_TEXT, &greeting, true},
};

airssys_result airssys_init(const airssys_json *config) {
    return airssys_read_config(config, SETTINGS, sizeof SETTINGS / sizeof *SETTINGS);
}

/* The text without the space around it. */
static const char *trimmed(const char *text) {
    while (isspace((unsigned char)*text)) text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1])) size--;
    return airssys_format("%.*s", (int)size, text);
}

airssys_result airssys_handle(const airssys_context *context, const airssys_input *input, airssys_output *output) {
    (void)context;
    const char *text;
    airssys_result read = airssys_input_text(input, &text);
    if (airssys_is_error(read)) return read;
    const char *name = trimmed(text);
    if (*name == 0) return airssys_invalid_input("nobody to greet: send a name");
    return airssys_reply_text(output, "%s, %s!", greeting, name);
}
