// Timers: they run while the call's promise is awaited, and end with the call.

import { after, cancel, enqueue } from "./loop.js";

export function setTimeout(callback, delay, ...args) {
  return after(delay, () => callback(...args));
}

export function setInterval(callback, delay, ...args) {
  return after(delay, () => callback(...args), true);
}

export { cancel as clearTimeout, cancel as clearInterval };

export function queueMicrotask(callback) {
  if (typeof callback !== "function") throw new TypeError("queueMicrotask takes a function");
  enqueue(callback);
}
