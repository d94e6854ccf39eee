import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidConfig, InvalidInput } from "#airssys";
import { start } from "#airssys/testing.js";
import renderer from "../src/main.js";

test("the configuration's partials are there, and a call's go before them", async () => {
  const started = await start(renderer, { config: { partials: { who: "config" } } });
  const own = await started.call(JSON.stringify({ template: "{{>who}}" }));
  assert.equal(own.text(), "config");
  assert.equal(own.contentType, "text/html; charset=utf-8");
  const call = await started.call(JSON.stringify({ template: "{{>who}}", partials: { who: "call" } }));
  assert.equal(call.text(), "call");
});

test("a partial that can't be parsed fails the deployment", async () => {
  await assert.rejects(start(renderer, { config: { partials: { who: "{{#a}}" } } }), InvalidConfig);
});

test("a call without a template is the caller's mistake", async () => {
  const started = await start(renderer);
  await assert.rejects(started.call("null"), InvalidInput);
  await assert.rejects(started.call(JSON.stringify({ template: "{{#a}}" })), InvalidInput);
});
