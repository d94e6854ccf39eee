// What JavaScript expects to find and the engine has not. What needs something of the host, such as `fetch`, is not
// here: the build puts it in where it is used, so that a component imports nothing that it doesn't use.

import { clock as performance, random, standStill } from "./beginning.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { structuredClone } from "./clone.js";
import { Headers } from "./headers.js";
import { Promise } from "./promise.js";
import { Request } from "./request.js";
import { Response } from "./response.js";
import { clearInterval, clearTimeout, queueMicrotask, setInterval, setTimeout } from "./timers.js";
import { URL, URLSearchParams } from "./url.js";

const globals = {
  Headers,
  Promise,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  clearInterval,
  clearTimeout,
  performance,
  queueMicrotask,
  setInterval,
  setTimeout,
  structuredClone,
};

for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
Math.random = random;
standStill();
// The engine's own makes promises that nobody here runs.
delete Array.fromAsync;
