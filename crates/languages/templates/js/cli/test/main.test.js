import assert from "node:assert/strict";
import { test } from "node:test";

import { greet } from "../src/main.js";

test("a name is greeted on a line of its own", () => {
  assert.equal(greet("hi", "ada"), "hi, ada!\n");
});
