// What StarlingMonkey has not, or not as a component needs it. Its promises, timers, texts, URLs and streams are its own.
// `fetch` and its messages are the SDK's, over the host's outbound HTTP: the build leaves out what the engine's own stand on.

import { clock as performance, mustHaveBegun, random, standStill } from "../runtime/beginning.js";
import { Headers } from "../runtime/headers.js";
import { Request } from "../runtime/request.js";
import { Response } from "../runtime/response.js";
import { clearTimer, setInterval, setTimeout } from "./timers.js";

const globals = {
  Headers,
  Request,
  Response,
  clearInterval: clearTimer,
  clearTimeout: clearTimer,
  performance,
  setInterval,
  setTimeout,
};

for (const [name, value] of Object.entries(globals)) define(globalThis, name, value);
// Left there it would end the instance.
Reflect.deleteProperty(globalThis, "fetch");
Math.random = random;
standStill();

const { crypto } = globalThis;
for (const name of ["getRandomValues", "randomUUID"]) {
  const own = crypto[name];
  define(crypto, name, (...args) => {
    mustHaveBegun("random bytes");
    return own.apply(crypto, args);
  });
}

function define(owner, name, value) {
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}
