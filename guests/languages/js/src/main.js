// Answers by the `op` of its input's metadata, as every language's conformance guest does.

import { component, InvalidConfig } from "#airssys";
import { ops } from "./ops.js";

const COLOURS = ["red", "green", "blue"];

export default component({
  init(config) {
    const { colour } = config;
    if (colour !== undefined && !COLOURS.includes(colour)) throw new InvalidConfig(`no colour called ${colour}`);
    instance.config = config;
  },

  handle(input, context) {
    const name = input.get("op");
    const op = ops[name];
    if (op === undefined) throw new Error(`no op called ${name}`);
    return op(input, context, instance);
  },

  save() {
    return String(instance.count);
  },

  restore(saved, savedBy) {
    instance.count = Number(saved.json());
    instance.savedBy = savedBy;
  },
});

/** What an instance keeps between its calls. */
const instance = { config: {}, count: 0, savedBy: "" };
