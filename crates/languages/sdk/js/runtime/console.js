// The console of a handler and of an HTTP service: lines of the service's log.

import { log } from "#host/logging.js";
import { makeConsole } from "./make-console.js";

export const console = /* @__PURE__ */ makeConsole((level, line) => log(level, "", line));
