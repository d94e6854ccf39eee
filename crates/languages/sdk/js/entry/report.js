// What nobody caught goes to the log, with its stack.

import { log } from "#host/logging.js";
import { errorText, inspect } from "../runtime/format.js";

export function report(what, thrown) {
  const text = thrown instanceof Error ? errorText(thrown) : inspect(thrown);
  // One line of the log: the stack's lines behind one another.
  log("error", "", `${what}: ${text.replace(/\s*\n\s*/g, " | ")}`.toWellFormed());
}
