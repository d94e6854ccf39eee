/*
 * What a component in C is written against. It names no generated file: an editor and a native test
 * need nothing else than this folder.
 *
 * A handler defines `airssys_handle` and, where it wants them, the other functions that this file
 * declares below it. An HTTP service defines `airssys_serve` (src/http.h). A command defines `main`.
 *
 * Memory has one rule. What the SDK hands out (input, config, JSON, values, responses, formatted text)
 * and what `airssys_alloc` gives lives until the call ends, and is freed then: nobody calls `free`. What
 * is to stay for later calls is copied with `airssys_keep`, or is memory of your own. What you hand back
 * may be any memory that stays as it is until the call has ended, also a literal or your own.
 *
 * An instance gets one call at a time and has no threads.
 */
#ifndef AIRSSYS_H
#define AIRSSYS_H

#include "src/base.h"
#include "src/host.h"
#include "src/http.h"
#include "src/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a handler may know of the call that it answers. */
typedef struct airssys_context {
    /* The call's id: the same in the caller's answer, in the log and in the audit trail. */
    const char *request_id;
    /* The caller's W3C `traceparent`; NULL where there is none. */
    const char *trace_parent;
    /* Whether the call has a time limit, and what was left of it when the call began. */
    bool has_deadline;
    uint64_t deadline_ns;
    /* Who calls; NULL for a caller who has no name. */
    const char *caller;
    /* 1 for the first try, 2 for its first repetition. */
    uint32_t attempt;
} airssys_context;

/* ---- What a handler defines ---- */

/* Answers one call: fills `output` and returns `airssys_ok()`, or returns an error. */
airssys_result airssys_handle(const airssys_context *context, const airssys_input *input,
                              airssys_output *output);

/*
 * Makes the instance ready, once and before anything else. `config` is a JSON object: the manifest's
 * `[config]` with the operator's values over it. An error here fails the deployment.
 * Without it every config is taken.
 */
airssys_result airssys_init(const airssys_json *config);

/* Whether the instance can go on; an error replaces it by a new one. Asked of reused instances. */
airssys_result airssys_health(void);

/* The last call to an instance that is let go in peace. It is no place to save: an instance can also end without. */
void airssys_shutdown(void);

/* What the component asks for: a list that `count` says the length of. Called once, when it is built. */
const airssys_capability *airssys_capabilities(size_t *count);

/* An actor's state as it is now. The same state comes out as the same bytes. Without it the state is empty. */
airssys_result airssys_save(airssys_bytes *state);

/* Takes up a saved state after `airssys_init`; `saved_by` is the version that saved it, older or newer. */
airssys_result airssys_restore(airssys_bytes saved, const char *saved_by);

/* ---- Reading the input, making the output ---- */

/* The first value of this name, without regard to the name's case; NULL where there is none. */
const char *airssys_metadata(const airssys_input *input, const char *name);

/* The body as text that ends in a zero byte; an `invalid-input` where it is not UTF-8. */
airssys_result airssys_input_text(const airssys_input *input, const char **text);

/* The body as JSON; an `invalid-input` where it is not. */
airssys_result airssys_input_json(const airssys_input *input, const airssys_json **value);

/* Answers with text, as `printf` writes it. */
airssys_result airssys_reply_text(airssys_output *output, const char *format, ...) AIRSSYS_PRINTF(2);

/* Answers with a JSON value. */
airssys_result airssys_reply_json(airssys_output *output, const airssys_json *value);

/* Answers with bytes of a media type, which may be NULL. */
airssys_result airssys_reply_bytes(airssys_output *output, airssys_bytes body, const char *content_type);

#ifdef __cplusplus
}
#endif

#endif
