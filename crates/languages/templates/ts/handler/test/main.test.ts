import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidInput } from "#airssys";
import { start } from "#airssys/testing.js";
import greeter from "../src/main";

const config = { greeting: "hello" };

test("a name is greeted", async () => {
  const output = await (await start(greeter, { config })).call("ada");
  assert.equal(output.text(), "hello, ada!");
});

test("nobody is the caller's mistake", async () => {
  const started = await start(greeter, { config });
  await assert.rejects(started.call(" "), InvalidInput);
});

test("a setting that there is not is refused", async () => {
  await assert.rejects(start(greeter, { config: { ...config, greting: "hi" } }), /no setting `greting`/);
});
