import assert from "node:assert/strict";
import { test } from "node:test";

import service from "../src/main.js";

const ask = (path, init) => service.fetch(new Request(`http://localhost${path}`, init));

test("the page is there", async () => {
  const response = await ask("/");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "hello\n");
});

test("what is sent is shouted", async () => {
  const response = await ask("/shout", { method: "POST", body: "ada" });
  assert.equal(await response.text(), "ADA");
});

test("no other page is there", async () => {
  assert.equal((await ask("/nowhere")).status, 404);
});
