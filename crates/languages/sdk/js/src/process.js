// Programs of the host, out of the operator's list.

import * as host from "#host/process.js";
import { Denied, Failed, Unavailable } from "./errors.js";
import { toBytes } from "./output.js";

export function run(name, stdin = "") {
  const bytes = toBytes(stdin);
  try {
    return host.run(name, bytes);
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    if (tag === undefined) throw error;
    throw Object.assign(told(tag, val, name), { why: tag });
  }
}

function told(why, said, name) {
  switch (why) {
    case "denied":
      return new Denied(`the program \`${name}\` is not granted`);
    case "no-such-program":
      return new Failed(`the operator's list has no program \`${name}\``);
    case "busy":
      return new Unavailable(said);
    default:
      return new Failed(said);
  }
}
