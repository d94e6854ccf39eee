// URLSearchParams, after the URL Standard.

const changed = new WeakMap();

/** Has a URL hear of changes of its parameters; with a text, has the parameters read it instead. */
export function onChange(params, listener, text) {
  if (listener !== undefined) changed.set(params, listener);
  if (text !== undefined) params[read](text);
}

const read = Symbol("read");

export class URLSearchParams {
  #pairs = [];

  constructor(init = "") {
    if (typeof init === "object" && init !== null && typeof init[Symbol.iterator] === "function") {
      for (const pair of init) {
        const [name, value, ...more] = pair;
        if (value === undefined || more.length > 0) throw new TypeError("Each query pair must be an iterable [name, value] tuple");
        this.#pairs.push([wellFormed(name), wellFormed(value)]);
      }
    } else if (typeof init === "object" && init !== null) {
      for (const [name, value] of Object.entries(init)) this.#pairs.push([wellFormed(name), wellFormed(value)]);
    } else {
      this[read](wellFormed(init).replace(/^\?/, ""));
    }
  }

  [read](text) {
    const parts = text.split("&").filter((part) => part !== "");
    this.#pairs = parts.map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [decoded(part), ""] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];
    });
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#change([...this.#pairs, [wellFormed(name), wellFormed(value)]]);
  }

  delete(name, value) {
    const gone = ([key, held]) => key === String(name) && (value === undefined || held === String(value));
    this.#change(this.#pairs.filter((pair) => !gone(pair)));
  }

  get(name) {
    return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value);
  }

  has(name, value) {
    return this.#pairs.some(([key, held]) => key === String(name) && (value === undefined || held === String(value)));
  }

  set(name, value) {
    const at = this.#pairs.findIndex(([key]) => key === String(name));
    if (at < 0) return this.append(name, value);
    const kept = this.#pairs.filter(([key], index) => index <= at || key !== String(name));
    kept[at] = [wellFormed(name), wellFormed(value)];
    this.#change(kept);
  }

  sort() {
    // By code units, and pairs of one name in their order.
    this.#change(this.#pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries() {
    for (let at = 0; at < this.#pairs.length; at++) yield [...this.#pairs[at]];
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

  toString() {
    return this.#pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
  }

  #change(pairs) {
    this.#pairs = pairs;
    changed.get(this)?.(this.toString());
  }
}

const wellFormed = (value) => String(value).toWellFormed();

function encoded(text) {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");
}

function decoded(text) {
  const spaced = text.replace(/\+/g, " ");
  if (!spaced.includes("%")) return spaced;
  const escaped = spaced.replace(/[^\x00-\x7f]+/g, encodeURIComponent);
  const bytes = Uint8Array.from(unescape(escaped.replace(/%u/gi, "%25u")), (character) => character.charCodeAt(0));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
