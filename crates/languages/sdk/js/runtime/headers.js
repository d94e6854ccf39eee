// Headers, after the Fetch Standard: names without regard to case, in their order when listed.

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export class Headers {
  #values = new Map();

  constructor(init) {
    if (init === undefined || init === null) return;
    if (typeof init !== "object") throw new TypeError("headers are made of an object or of pairs");
    const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const pair of pairs) {
      const [name, value, ...more] = pair;
      if (value === undefined || more.length > 0) throw new TypeError("a header is a name and a value");
      this.append(name, value);
    }
  }

  append(name, value) {
    const key = checkedName(name);
    const values = this.#values.get(key) ?? [];
    values.push(checkedValue(value));
    this.#values.set(key, values);
  }

  set(name, value) {
    this.#values.set(checkedName(name), [checkedValue(value)]);
  }

  get(name) {
    return this.#values.get(checkedName(name))?.join(", ") ?? null;
  }

  getSetCookie() {
    return [...(this.#values.get("set-cookie") ?? [])];
  }

  has(name) {
    return this.#values.has(checkedName(name));
  }

  delete(name) {
    this.#values.delete(checkedName(name));
  }

  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries() {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name);
      // Cookies can't be joined: a comma stands in their dates.
      if (name === "set-cookie") yield* values.map((value) => [name, value]);
      else yield [name, values.join(", ")];
    }
  }

  *keys() {
    for (const [name] of this.entries()) yield name;
  }

  *values() {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

function checkedName(name) {
  if (!NAME.test(name)) throw new TypeError(`\`${String(name)}\` is no name of a header`);
  return String(name).toLowerCase();
}

function checkedValue(value) {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\r\n]|[^\x00-\xff]/.test(text)) throw new TypeError("a header's value is one line of Latin-1");
  return text;
}
