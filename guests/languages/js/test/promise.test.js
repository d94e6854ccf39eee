// The runtime's promises beside node's own: the same order of jobs, the same outcomes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { settle } from "#airssys/runtime/loop.js";
import { Promise as OwnPromise } from "#airssys/runtime/promise.js";
import { setTimeout as ownTimeout } from "#airssys/runtime/timers.js";

const silent = () => {};

const scenarios = {
  "jobs run in their order": (P, log) => {
    P.resolve(1).then(log).then(() => log("late"));
    P.resolve(2).then(log);
    return P.resolve().then(() => P.resolve()).then(() => log("nested"));
  },
  "all keeps the order of its values": (P) => P.all([1, P.resolve(2), new P((done) => P.resolve().then(() => done(3)))]),
  "all fails with the first": (P) => P.all([1, P.reject(new Error("no"))]),
  "allSettled tells each": (P) => P.allSettled([P.resolve(1), P.reject(2)]),
  "any takes the first that succeeds": (P) => P.any([P.reject(1), P.resolve(2)]),
  "any fails with all": (P) => P.any([P.reject(1), P.reject(2)]).catch((error) => error.errors),
  "race takes the first": (P) => P.race([new P(() => {}), P.resolve(7)]),
  "none of nothing": (P) => P.all([]),
  "finally passes the value on": (P, log) => P.resolve(1).finally(() => log("finally")),
  "finally passes the error on": (P, log) => P.reject(1).finally(() => log("finally")),
  "a thenable is taken up": (P) => P.resolve({ then: (done) => done(5) }),
  "a promise can't wait for itself": (P) => {
    const promise = new P((done) => P.resolve().then(() => done(promise)));
    return promise.catch((error) => error.name);
  },
  "what is thrown is a rejection": (P) => new P(() => { throw new TypeError("x"); }).catch((error) => error.message),
};

for (const [name, scenario] of Object.entries(scenarios)) {
  test(name, async () => {
    const run = async (P, wait) => {
      const said = [];
      const outcome = await wait(() => scenario(P, (value) => said.push(value)));
      return { said, outcome };
    };
    const native = await run(Promise, async (work) => work().then((value) => ({ value }), (error) => ({ error: String(error) })));
    const own = await run(OwnPromise, async (work) => {
      try {
        return { value: settle(work, silent) };
      } catch (error) {
        return { error: String(error) };
      }
    });
    assert.deepEqual(own, native);
  });
}

test("timers fire in the order of their times, and a promise that nothing settles is told", () => {
  const said = [];
  const wait = () =>
    new OwnPromise((resolve) => {
      ownTimeout(() => said.push(2), 10);
      ownTimeout(() => said.push(1), 1);
      ownTimeout(resolve, 20);
    });
  settle(wait, silent);
  assert.deepEqual(said, [1, 2]);
  assert.throws(() => settle(() => new OwnPromise(() => {}), silent), /never settles/);
});

test("a rejection that nobody hears is reported at the end of the call", () => {
  const reports = [];
  const work = () => new OwnPromise((done) => { OwnPromise.reject(new Error("lost")); done(); });
  settle(work, (what, error) => reports.push(`${what}: ${error.message}`));
  assert.deepEqual(reports, ["unhandled rejection: lost"]);
});

test("a call that throws leaves nothing for the next one", () => {
  const said = [];
  const fails = () => {
    ownTimeout(() => said.push("timer of the first"), 0);
    OwnPromise.resolve().then(() => said.push("job of the first"));
    OwnPromise.reject(new Error("lost"));
    throw new Error("first");
  };
  const report = (what, error) => said.push(`${what}: ${error.message}`);
  assert.throws(() => settle(fails, report), /first/);
  assert.deepEqual(said, ["job of the first", "unhandled rejection: lost"]);
  settle(() => new OwnPromise((done) => ownTimeout(done, 20)), report);
  assert.equal(said.length, 2);
});
