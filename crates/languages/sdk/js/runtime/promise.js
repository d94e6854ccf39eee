// Promises whose jobs run in the loop of the call; `await` becomes one of these when the component is built.

import { enqueue, heard, rejected } from "./loop.js";

const PENDING = 0;
const FULFILLED = 1;
const REJECTED = 2;

class ComponentPromise {
  #state = PENDING;
  #value;
  #reactions = [];
  #listened = false;

  constructor(executor) {
    if (typeof executor !== "function") throw new TypeError("a promise is made with a function");
    const { resolve, reject } = this.#resolvers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }

  /** Why it was rejected, for whoever reports that nobody listened. */
  get reason() {
    return this.#value;
  }

  then(onFulfilled, onRejected) {
    const Species = speciesOf(this);
    const capability = newCapability(Species);
    if (!this.#listened) {
      this.#listened = true;
      heard(this);
    }
    const reaction = { onFulfilled, onRejected, ...capability };
    if (this.#state === PENDING) this.#reactions.push(reaction);
    else this.#react(reaction);
    return capability.promise;
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(onFinally) {
    if (typeof onFinally !== "function") return this.then(onFinally, onFinally);
    const Species = speciesOf(this);
    return this.then(
      (value) => Species.resolve(onFinally()).then(() => value),
      (error) =>
        Species.resolve(onFinally()).then(() => {
          throw error;
        }),
    );
  }

  #resolvers() {
    let done = false;
    const once = (settle) => (value) => {
      if (done) return;
      done = true;
      settle(value);
    };
    return { resolve: once((value) => this.#resolve(value)), reject: once((error) => this.#settle(REJECTED, error)) };
  }

  #resolve(value) {
    if (value === this) return this.#settle(REJECTED, new TypeError("a promise can't wait for itself"));
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return this.#settle(FULFILLED, value);
    let then;
    try {
      then = value.then;
    } catch (error) {
      return this.#settle(REJECTED, error);
    }
    if (typeof then !== "function") return this.#settle(FULFILLED, value);
    enqueue(() => {
      const { resolve, reject } = this.#resolvers();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    if (state === REJECTED && !this.#listened) rejected(this);
    const reactions = this.#reactions;
    this.#reactions = [];
    for (const reaction of reactions) this.#react(reaction);
  }

  #react({ onFulfilled, onRejected, resolve, reject }) {
    enqueue(() => {
      const fulfilled = this.#state === FULFILLED;
      const handler = fulfilled ? onFulfilled : onRejected;
      if (typeof handler !== "function") return fulfilled ? resolve(this.#value) : reject(this.#value);
      let value;
      try {
        value = handler(this.#value);
      } catch (error) {
        return reject(error);
      }
      resolve(value);
    });
  }

  static get [Symbol.species]() {
    return this;
  }

  static resolve(value) {
    if (value instanceof ComponentPromise && value.constructor === this) return value;
    const { promise, resolve } = newCapability(this);
    resolve(value);
    return promise;
  }

  static reject(error) {
    const { promise, reject } = newCapability(this);
    reject(error);
    return promise;
  }

  static withResolvers() {
    return newCapability(this);
  }

  static try(work, ...args) {
    return new this((resolve) => resolve(work(...args)));
  }

  static all(values) {
    return gather(this, values, (promise, index, settled, { reject }) =>
      promise.then((value) => settled(index, value), reject),
    );
  }

  static allSettled(values) {
    return gather(this, values, (promise, index, settled) =>
      promise.then(
        (value) => settled(index, { status: "fulfilled", value }),
        (reason) => settled(index, { status: "rejected", reason }),
      ),
    );
  }

  static any(values) {
    const done = (errors, { reject }) => reject(new AggregateError(errors, "All promises were rejected"));
    return gather(
      this,
      values,
      (promise, index, settled, { resolve }) => promise.then(resolve, (error) => settled(index, error)),
      done,
    );
  }

  static race(values) {
    const capability = newCapability(this);
    try {
      for (const value of values) this.resolve(value).then(capability.resolve, capability.reject);
    } catch (error) {
      capability.reject(error);
    }
    return capability.promise;
  }
}

function newCapability(Type) {
  const capability = {};
  capability.promise = new Type((resolve, reject) => {
    capability.resolve = resolve;
    capability.reject = reject;
  });
  return capability;
}

function speciesOf(promise) {
  return promise.constructor?.[Symbol.species] ?? ComponentPromise;
}

/** One promise of many: `listen` says what each does, `done` what happens once all have. */
function gather(Type, values, listen, done = (results, { resolve }) => resolve(results)) {
  const capability = newCapability(Type);
  const results = [];
  let left = 1;
  const less = () => {
    if (--left === 0) done(results, capability);
  };
  try {
    let index = 0;
    for (const value of values) {
      left++;
      let told = false;
      const settled = (at, result) => {
        if (told) return;
        told = true;
        results[at] = result;
        less();
      };
      results[index] = undefined;
      listen(Type.resolve(value), index++, settled, capability);
    }
    less();
  } catch (error) {
    capability.reject(error);
  }
  return capability.promise;
}

Object.defineProperty(ComponentPromise, "name", { value: "Promise" });

export { ComponentPromise as Promise };
