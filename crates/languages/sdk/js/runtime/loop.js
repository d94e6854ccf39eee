// The event loop of one call. The host calls a component synchronously and its engine runs no promise jobs meanwhile,
// so they are run here, to the end of the call's promise. What waits, such as `fetch`, blocks: a component answers
// one call at a time.

import { sleep } from "#host/sleep.js";

let jobs = [];
let timers = [];
let lastTimer = 0;
const unheard = new Set();

/** Has a job run once what is running now has ended. */
export function enqueue(job) {
  jobs.push(job);
}

/** Has a job run after a time; returns what `cancel` takes. */
export function after(milliseconds, job, every) {
  const delay = Math.max(0, Number(milliseconds) || 0);
  const timer = { id: ++lastTimer, due: performance.now() + delay, job, every: every ? Math.max(1, delay) : undefined };
  timers.push(timer);
  return timer.id;
}

export function cancel(id) {
  timers = timers.filter((timer) => timer.id !== id);
}

/** Notes a promise that was rejected while nobody listened, or that somebody listens to one now. */
export function rejected(promise) {
  unheard.add(promise);
}

export function heard(promise) {
  unheard.delete(promise);
}

/**
 * Does the work of a call, to the end of its promise, and returns what `form` makes of its value or `failed` of its
 * error. `andThen` goes on from there: another engine answers with a promise of its own.
 */
export function settle(work, report, form, failed) {
  try {
    return form(finished(work, report));
  } catch (error) {
    return failed(error);
  }
}

export const andThen = (settled, next) => next(settled);

/** Of a promise its value is returned and its error thrown; anything else is as it is. */
function finished(work, report) {
  try {
    const value = work();
    return typeof value?.then === "function" ? awaited(value, report) : value;
  } finally {
    // Of a call that fails as well, or the next one would go on with what it left.
    end(report);
  }
}

function awaited(promise, report) {
  let outcome;
  promise.then(
    (value) => (outcome = { value }),
    (error) => (outcome = { error, failed: true }),
  );
  run(report);
  while (outcome === undefined && wait()) run(report);
  if (outcome === undefined) throw new Error("the promise never settles: nothing is left that could settle it");
  if (outcome.failed) throw outcome.error;
  return outcome.value;
}

function run(report) {
  // Jobs add jobs.
  for (let next = 0; next < jobs.length; next++) {
    const job = jobs[next];
    jobs[next] = undefined;
    try {
      job();
    } catch (error) {
      report("uncaught", error);
    }
    if (next === 4096) {
      jobs = jobs.slice(next + 1);
      next = -1;
    }
  }
  jobs = [];
}

/** Waits for the next timer and has it run; whether there was one. */
function wait() {
  if (timers.length === 0) return false;
  const timer = timers.reduce((first, other) => (other.due < first.due ? other : first));
  const left = timer.due - performance.now();
  if (left > 0) sleep(left);
  if (timer.every === undefined) cancel(timer.id);
  else timer.due = performance.now() + timer.every;
  enqueue(timer.job);
  return true;
}

/** The call is over: what was begun without being awaited goes on for as long as it doesn't wait. */
function end(report) {
  run(report);
  timers = [];
  for (const promise of unheard) report("unhandled rejection", promise.reason);
  unheard.clear();
}
