/* Makes QR codes: text in, a picture out. */
#include <airssys.h>

#include <string.h>

#include "picture.h"
#include "qr.h"

/* The `[config]` of Component.toml, which a call's metadata may say otherwise. */
static const char *default_format = "svg";
static const char *default_level = "medium";
static int64_t scale = 8;

/* Pixels for a module: the largest code is 3,360 wide then. */
#define MAX_SCALE 32

static const airssys_field SETTINGS[] = {
    {"format", AIRSSYS_FIELD_TEXT, &default_format, false},
    {"level", AIRSSYS_FIELD_TEXT, &default_level, false},
    {"scale", AIRSSYS_FIELD_INTEGER, &scale, false},
};

static const struct format {
    const char *name;
    const char *media_type;
    airssys_bytes (*draw)(const struct qr_code *code, int scale);
} FORMATS[] = {
    {"svg", "image/svg+xml", picture_svg},
    {"png", "image/png", picture_png},
};

static const char *const LEVELS[] = {"low", "medium", "quartile", "high"};

static const struct format *format_named(const char *name) {
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (strcmp(FORMATS[i].name, name) == 0) return &FORMATS[i];
    }
    return NULL;
}

/* The level of this name; -1 where there is none. */
static int level_named(const char *name) {
    for (int level = QR_LOW; level <= QR_HIGH; level++) {
        if (strcmp(LEVELS[level], name) == 0) return level;
    }
    return -1;
}

airssys_result airssys_init(const airssys_json *config) {
    airssys_result read = airssys_read_config(config, SETTINGS, sizeof SETTINGS / sizeof *SETTINGS);
    if (airssys_is_error(read)) return read;
    if (format_named(default_format) == NULL) return airssys_invalid_config("`format` is svg or png");
    if (level_named(default_level) < 0) return airssys_invalid_config("`level` is low, medium, quartile or high");
    if (scale < 1 || scale > MAX_SCALE) return airssys_invalid_config("`scale` is 1 to %d", MAX_SCALE);
    return airssys_ok();
}

/* What the caller says, or else what the manifest does. */
static const char *chosen(const airssys_input *input, const char *name, const char *otherwise) {
    const char *said = airssys_metadata(input, name);
    return said == NULL ? otherwise : said;
}

airssys_result airssys_handle(const airssys_context *context, const airssys_input *input, airssys_output *output) {
    (void)context;
    const char *text;
    airssys_result read = airssys_input_text(input, &text);
    if (airssys_is_error(read)) return read;
    const struct format *format = format_named(chosen(input, "format", default_format));
    int level = level_named(chosen(input, "level", default_level));
    if (format == NULL) return airssys_invalid_input("the metadata `format` is svg or png");
    if (level < 0) return airssys_invalid_input("the metadata `level` is low, medium, quartile or high");
    if (input->body.size == 0) return airssys_invalid_input("nothing to encode: send a text");

    struct qr_code code;
    if (!qr_make(text, input->body.size, (enum qr_level)level, &code)) {
        return airssys_invalid_input("%zu bytes are too many: a code of level %s holds %zu", input->body.size,
                                     LEVELS[level], qr_most_bytes((enum qr_level)level));
    }
    airssys_log(AIRSSYS_DEBUG, "version %d for %zu bytes", code.version, input->body.size);
    return airssys_reply_bytes(output, format->draw(&code, (int)scale), format->media_type);
}
