// A component: the functions that its author wrote, under the names that the contract has for them.

import { InvalidConfig } from "./errors.js";
import { Saved } from "./input.js";
import { asOutput } from "./output.js";

const FUNCTIONS = ["init", "handle", "health", "shutdown", "save", "restore"];
const DEFINED = [...FUNCTIONS, "capabilities"];
const marked = Symbol.for("airssys.component");

/** Makes a component of its functions. A name that is none of ours is a slip of the pen, and is refused. */
export function component(definition) {
  if (typeof definition?.handle !== "function") {
    throw new TypeError("a component needs a function `handle`: write `component({ handle(input, context) { … } })`");
  }
  for (const name of Object.keys(definition)) {
    if (!DEFINED.includes(name)) {
      throw new TypeError(`a component has no \`${name}\`: ${DEFINED.join(", ")} are there`);
    }
  }
  for (const name of FUNCTIONS) {
    if (definition[name] !== undefined && typeof definition[name] !== "function") {
      throw new TypeError(`a component's \`${name}\` is a function`);
    }
  }
  if ((definition.save === undefined) !== (definition.restore === undefined)) {
    throw new TypeError("a component that saves a state restores it: write both `save` and `restore`");
  }
  return Object.defineProperty({ ...definition }, marked, { value: true });
}

/** Whether a module's default export was made by `component`. */
export function isComponent(value) {
  return value?.[marked] === true;
}

/** The configuration out of its text. */
export function readConfig(text) {
  let config;
  try {
    config = text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new InvalidConfig(`the configuration is no JSON: ${error.message}`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new InvalidConfig("the configuration is no JSON object");
  }
  return config;
}

/** What `capabilities` says, a list or a function that returns one. */
export function asks(definition) {
  const { capabilities = [] } = definition;
  return typeof capabilities === "function" ? definition.capabilities() : capabilities;
}

/** The bytes of what `save` returned: bytes as they are, anything else as JSON. */
export function savedBytes(state) {
  if (state instanceof Uint8Array) return state;
  const text = JSON.stringify(state);
  if (text === undefined) throw new TypeError("save returned what JSON can't hold");
  return new TextEncoder().encode(text);
}

export { Saved, asOutput };
