// Calls of other services of the same node, by their name.

import * as host from "#host/services.js";
import { Denied, Failed, Unavailable, errorOfKind } from "./errors.js";
import { Input } from "./input.js";
import { Output } from "./output.js";

export function call(service, input) {
  const sent = input instanceof Input ? input : new Input(input);
  const { body, contentType, metadata } = asked(() =>
    host.call(service, { body: sent.bytes, contentType: sent.contentType, metadata: sent.metadata }),
  );
  return new Output(body, { contentType, metadata });
}

export function invoke(service, name, args = []) {
  return asked(() => host.invoke(service, name, args));
}

// What a call's error says of whose fault it is: the input of a call that fails was this component's doing, and not
// its caller's. `why` tells the reasons apart.
function asked(operation) {
  try {
    return operation();
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    if (tag === undefined) throw error;
    throw Object.assign(told(tag, val), { why: tag });
  }
}

function told(why, said) {
  switch (why) {
    case "denied":
      return new Denied("the call of the service is not granted");
    case "busy":
    case "timed-out":
      return new Unavailable(said);
    case "fault":
      return said.kind === "unavailable" ? new Unavailable(said.message) : Object.assign(new Failed(said.message), { cause: errorOfKind(said.kind, said.message) });
    case "loop-detected":
      return new Failed("the call would wait for itself");
    default:
      return new Failed(said);
  }
}
