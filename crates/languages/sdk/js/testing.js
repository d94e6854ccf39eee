// Calls a component as the host does, for unit tests without a host. The types are in `testing.d.ts`.

import { asks, readConfig, savedBytes } from "./src/component.js";
import { Context, Input, Saved } from "./src/input.js";
import { asOutput } from "./src/output.js";

export async function start(component, { config = {}, saved, savedBy = "0.0.0" } = {}) {
  await component.init?.(readConfig(JSON.stringify(config)));
  if (saved !== undefined) await component.restore(new Saved(savedBytes(saved)), savedBy);
  return new Started(component);
}

class Started {
  #component;

  constructor(component) {
    this.#component = component;
  }

  async call(body, { contentType, metadata, context } = {}) {
    const input = body instanceof Input ? body : new Input(body, { contentType, metadata });
    return asOutput(await this.#component.handle(input, new Context(context)));
  }

  async saved() {
    return new Saved(savedBytes(await this.#component.save()));
  }

  async health() {
    await this.#component.health?.();
  }

  async shutdown() {
    await this.#component.shutdown?.();
  }

  asks() {
    return asks(this.#component);
  }
}
