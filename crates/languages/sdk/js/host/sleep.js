// Waiting, for the timers of a call.

import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";

/** Waits so many milliseconds. */
export function sleep(milliseconds) {
  const due = subscribeDuration(Math.ceil(milliseconds * 1e6));
  due.block();
  due[Symbol.dispose]();
}
