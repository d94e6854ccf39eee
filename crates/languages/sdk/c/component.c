/*
 * The whole SDK for a component, in one file that `airssys-wasm build` compiles against the bindings it makes. The kind
 * of component is defined on its command line: AIRSSYS_HANDLER (with AIRSSYS_STATEFUL for an actor), AIRSSYS_HTTP or
 * AIRSSYS_CLI.
 */
#include "src/memory.c"
#include "src/text.c"
#include "src/json.c"
#include "src/wasm/memory.c"
#include "src/wasm/convert.c"
#include "src/wasm/host.c"
#include "src/wasm/http.c"

#ifdef AIRSSYS_HANDLER
#include "src/wasm/handler.c"
#endif

#ifdef AIRSSYS_STATEFUL
#include "src/wasm/state.c"
#endif

#ifdef AIRSSYS_HTTP
#include "src/wasm/serve.c"
#endif
