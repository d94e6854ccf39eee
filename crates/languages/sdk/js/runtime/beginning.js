// A component's module runs once, when it is built, and every instance begins with the memory that it left. What
// differs each time would be alike in all instances then, and would differ between two builds: until the first call
// the clock stands still and Math.random draws the same numbers.

import { insecureSeed } from "#host/seed.js";

const RealDate = Date;
const realClock = performance;
let state = [1, 2, 3, 4];
let begun = false;
let from = 0;

/** Stops the clock, until `begin`. A module may keep this `Date`, or its `now`: each asks whether it has begun. */
export function standStill() {
  const StillDate = function Date(...parts) {
    if (!new.target) return new StillDate().toString();
    return Reflect.construct(RealDate, begun || parts.length > 0 ? parts : [0], new.target);
  };
  Object.setPrototypeOf(StillDate, RealDate);
  StillDate.prototype = RealDate.prototype;
  Object.defineProperty(StillDate.prototype, "constructor", { value: StillDate, configurable: true, writable: true });
  StillDate.now = () => (begun ? RealDate.now() : 0);
  globalThis.Date = StillDate;
}

/** An instance begins: each call says so, and the first one counts. */
export function begin() {
  if (begun) return;
  begun = true;
  from = realClock.now();
  state = seeded();
}

/** The clock that `performance` is: milliseconds since the instance began. */
export const clock = { now: () => (begun ? realClock.now() - from : 0) };

/** Math.random: xorshift in four words of 32 bits. It is no secret. */
export function random() {
  let [a, b, c, d] = state;
  const t = a ^ (a << 11);
  [a, b, c] = [b, c, d];
  d = d ^ (d >>> 19) ^ t ^ (t >>> 8);
  state = [a, b, c, d];
  return ((d >>> 0) * 2 ** 21 + ((a + d) >>> 11)) / 2 ** 53;
}

/** Fails while the component is built: what is secret then is in the component's file. */
export function mustHaveBegun(what) {
  if (!begun) throw new Error(`${what} can be had in a call and not while the module loads: that happens when it is built`);
}

function seeded() {
  const halves = insecureSeed().flatMap((half) => [half % 2 ** 32 | 0, Math.floor(half / 2 ** 32) | 0]);
  return halves.every((half) => half === 0) ? [1, 2, 3, 4] : halves;
}
