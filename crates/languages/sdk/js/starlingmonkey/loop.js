// The work of a call in StarlingMonkey, which runs its promises, jobs and timers itself until the promise that an export
// returns has settled.

import { endTimers } from "./timers.js";

/** Does the work of a call, to the end of its promise; what `form` makes of its value or `failed` of its error. */
export async function settle(work, report, form, failed) {
  try {
    return form(await finished(work));
  } catch (error) {
    return failed(error);
  }
}

export const andThen = (settled, next) => settled.then(next);

async function finished(work) {
  try {
    return await work();
  } finally {
    // Of a call that fails as well, or the next one would go on with what it left.
    endTimers();
  }
}
