// The clock of a module: it stands still until the first call, and goes from then on wherever it was taken.

import assert from "node:assert/strict";
import { test } from "node:test";

import { begin, standStill } from "#airssys/runtime/beginning.js";

const started = Date.now();
standStill();
const KeptDate = Date;
const { now } = Date;
class Day extends Date {}

test("a module sees 1970, and what it kept sees the time of the call", () => {
  assert.deepEqual([now(), new KeptDate().getTime(), new Day().getTime()], [0, 0, 0]);
  assert.match(KeptDate(), /1970|1969/);
  assert.equal(new KeptDate(7).getTime(), 7);
  begin();
  for (const time of [now(), Date.now(), new KeptDate().getTime(), new Day().getTime(), Date.parse(KeptDate()) + 1000]) {
    assert.ok(time >= started, `${time}`);
  }
});

test("there is one Date, before and after", () => {
  assert.equal(Date, KeptDate);
  assert.ok(new Date() instanceof KeptDate && new Day() instanceof Day);
  assert.equal(new Date().constructor, Date);
  assert.equal(Date.UTC(1970, 0, 2), 86_400_000);
  assert.deepEqual([new Date(2020, 1, 3).getDate(), new Date(new Date(5)).getTime()], [3, 5]);
});
