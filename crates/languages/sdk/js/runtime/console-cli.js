// The console of a command: standard output and standard error.

import { stderr, stdout } from "#host/stdio.js";
import { makeConsole } from "./make-console.js";

const out = ["debug", "info"];

export const console = /* @__PURE__ */ makeConsole((level, line) => {
  const to = out.includes(level) ? stdout : stderr;
  to(new TextEncoder().encode(`${line}\n`));
});
