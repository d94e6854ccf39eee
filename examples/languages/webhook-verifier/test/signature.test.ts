import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { check } from "../src/signature";

const rules = { secret: "s3cret", toleranceSeconds: 300, nowSeconds: 1_000_000 };
const body = new TextEncoder().encode('{"event":"paid"}');
const signed = (timestamp: string, secret = rules.secret) =>
  `sha256=${createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex")}`;
const claim = (timestamp: string, signatures = signed(timestamp)) => ({ timestamp, signatures, body });

test("what the sender signed is genuine", () => {
  assert.equal(check(claim("1000000"), rules), undefined);
});

test("one of several signatures is enough", () => {
  assert.equal(check(claim("1000000", `${signed("1000000", "old")}, ${signed("1000000")}`), rules), undefined);
});

test("another body, time or secret has another signature", () => {
  const changed = { ...claim("1000000"), body: new TextEncoder().encode("{}") };
  assert.match(check(changed, rules)!, /does not match/);
  assert.match(check(claim("1000001", signed("1000000")), rules)!, /does not match/);
  assert.match(check(claim("1000000", signed("1000000", "guess")), rules)!, /does not match/);
});

test("what is too old, or too far ahead, is refused", () => {
  assert.equal(check(claim("999700"), rules), undefined);
  assert.match(check(claim("999699"), rules)!, /too old/);
  assert.match(check(claim("1000301"), rules)!, /ahead/);
});

test("what is no signature or no time is refused before anything is computed", () => {
  assert.match(check(claim("soon"), rules)!, /x-timestamp/);
  assert.match(check(claim("1000000", "sha256=abc"), rules)!, /x-signature/);
  assert.match(check(claim("1000000", ""), rules)!, /x-signature/);
});
