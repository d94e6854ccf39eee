// What comes into a component: a call's input and context, and a state that was saved.

import { InvalidInput } from "./errors.js";

const strict = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A call's input. */
export class Input {
  constructor(body = new Uint8Array(), { contentType, metadata = [] } = {}) {
    this.bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    this.contentType = contentType ?? undefined;
    this.metadata = metadata;
  }

  text() {
    try {
      return strict().decode(this.bytes);
    } catch {
      throw new InvalidInput("the input is no text: it is not UTF-8");
    }
  }

  json() {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new InvalidInput(`the input is no JSON: ${error.message}`);
    }
  }

  get(name) {
    const wanted = name.toLowerCase();
    return this.metadata.find(([key]) => key.toLowerCase() === wanted)?.[1];
  }
}

/** What a component may know of the call that it answers. */
export class Context {
  constructor({ requestId = "", traceParent, deadlineNs, caller, attempt = 1 } = {}) {
    this.requestId = requestId;
    this.traceParent = traceParent ?? undefined;
    this.deadlineNs = deadlineNs ?? undefined;
    this.caller = caller ?? undefined;
    this.attempt = attempt;
    this.began = performance.now();
    // The console shows a context without the bookkeeping.
    Object.defineProperty(this, "began", { enumerable: false });
  }

  timeLeft() {
    if (this.deadlineNs === undefined) return undefined;
    return Math.max(0, this.deadlineNs / 1e6 - (performance.now() - this.began));
  }
}

/** A state that was saved. */
export class Saved {
  constructor(bytes) {
    this.bytes = bytes;
  }

  text() {
    return strict().decode(this.bytes);
  }

  json() {
    return JSON.parse(this.text());
  }
}
