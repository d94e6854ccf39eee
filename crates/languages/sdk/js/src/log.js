// Lines of the service's log by their level; `console` writes the same log.

import { log } from "#host/logging.js";
import { format } from "../runtime/format.js";

const at = (level) => (...values) => log(level, "", format(values).toWellFormed());

export const trace = /* @__PURE__ */ at("trace");
export const debug = /* @__PURE__ */ at("debug");
export const info = /* @__PURE__ */ at("info");
export const warn = /* @__PURE__ */ at("warn");
export const error = /* @__PURE__ */ at("error");
export const critical = /* @__PURE__ */ at("critical");
