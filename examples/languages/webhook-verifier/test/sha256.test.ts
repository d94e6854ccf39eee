import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";

import { hmacSha256 } from "../src/hmac";
import { sha256 } from "../src/sha256";

const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7) % 256);
const hex = (digest: Uint8Array) => Buffer.from(digest).toString("hex");

test("every length around a block's ends has the digest that node has", () => {
  for (const length of [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 65536]) {
    assert.equal(hex(sha256(bytes(length))), createHash("sha256").update(bytes(length)).digest("hex"), `${length}`);
  }
});

test("keys shorter and longer than a block sign as node's do", () => {
  for (const length of [0, 1, 63, 64, 65, 200]) {
    const expected = createHmac("sha256", bytes(length)).update("message").digest("hex");
    assert.equal(hex(hmacSha256(bytes(length), new TextEncoder().encode("message"))), expected, `${length}`);
  }
});
