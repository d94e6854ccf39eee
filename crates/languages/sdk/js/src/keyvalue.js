// Entries that outlive the call, in buckets that the manifest asks for.

import * as host from "#host/keyvalue.js";
import { Denied, Failed } from "./errors.js";
import { toBytes } from "./output.js";

/** The bucket of this name. */
export function open(name) {
  return new Bucket(name, asked(name, () => host.open(name)));
}

class Bucket {
  #name;
  #held;

  constructor(name, held) {
    this.#name = name;
    this.#held = held;
  }

  get(key) {
    return this.#ask(() => this.#held.get(key)) ?? undefined;
  }

  getText(key) {
    const value = this.get(key);
    return value && new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
  }

  set(key, value) {
    const bytes = toBytes(value);
    this.#ask(() => this.#held.set(key, bytes));
  }

  delete(key) {
    this.#ask(() => this.#held.delete(key));
  }

  has(key) {
    return this.#ask(() => this.#held.exists(key));
  }

  *keys() {
    let cursor;
    do {
      const page = this.#ask(() => this.#held.listKeys(cursor));
      yield* page.keys;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }

  increment(key, delta = 1) {
    if (!Number.isSafeInteger(delta)) throw new RangeError("an increment is an integer below 2^53");
    return this.#ask(() => host.increment(this.#held, key, delta));
  }

  #ask(operation) {
    return asked(this.#name, operation);
  }
}

function asked(bucket, operation) {
  try {
    return operation();
  } catch (error) {
    switch (error.payload?.tag) {
      case "access-denied":
        throw new Denied(`the bucket \`${bucket}\` is not granted`);
      case "no-such-store":
        throw new Failed(`there is no store for the bucket \`${bucket}\``);
      case "other":
        throw new Failed(`the bucket \`${bucket}\`: ${error.payload.val}`);
      default:
        throw error;
    }
  }
}
