// The export of a command: the source's default export, with the arguments, to the end of its promise.

import * as host from "../host/stdio.js";
import { errorText, inspect } from "../runtime/format.js";
import { andThen, settle } from "#engine/loop.js";
import { begin } from "../runtime/beginning.js";

export function cliExports(source) {
  const main = source.default;
  if (typeof main !== "function") {
    throw new TypeError("the source has no command: write `export default function main(args) { … }`");
  }
  return {
    run: {
      run: () => {
        begin();
        return andThen(settle(() => main(host.args()), report, exitCode, failed), leave);
      },
    },
  };
}

function exitCode(returned) {
  const code = returned ?? 0;
  if (Number.isInteger(code) && code >= 0 && code <= 255) return code;
  throw new TypeError(`main returned ${inspect(code)}, which is no exit code: return nothing, or 0 to 255`);
}

function failed(error) {
  report("uncaught", error);
  return 1;
}

function leave(code) {
  // `run` itself can say 0 or 1 alone.
  if (code === 1) throw undefined;
  if (code !== 0) host.exit(code);
}

function report(what, thrown) {
  const text = thrown instanceof Error ? errorText(thrown) : inspect(thrown);
  host.stderr(new TextEncoder().encode(`${what}: ${text}\n`));
}
