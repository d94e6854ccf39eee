// The body of a request or a response: whole bytes, or a function that reads them when they are asked for. There are
// no streams.

const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
const TEXT = "text/plain;charset=UTF-8";
// What an engine may have of its own, and can't be read at once.
const UNREAD = ["Blob", "File", "FormData", "ReadableStream"].map((name) => `[object ${name}]`);

export class Body {
  #bytes;
  #used = false;

  /** Takes up what a body was given as; returns the content type that follows from it. */
  take(body) {
    if (body === undefined || body === null) return undefined;
    if (typeof body === "function") {
      this.#bytes = body;
      return undefined;
    }
    if (body instanceof URLSearchParams) {
      this.#bytes = new TextEncoder().encode(String(body));
      return FORM;
    }
    if (UNREAD.includes(Object.prototype.toString.call(body))) {
      throw new TypeError("a body is text, bytes or URLSearchParams: read this one first, as `await blob.arrayBuffer()` does");
    }
    if (body instanceof ArrayBuffer) this.#bytes = new Uint8Array(body.slice(0));
    else if (ArrayBuffer.isView(body)) this.#bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
    else {
      this.#bytes = new TextEncoder().encode(String(body));
      return TEXT;
    }
    return undefined;
  }

  get has() {
    return this.#bytes !== undefined;
  }

  get used() {
    return this.#used;
  }

  /** The bytes, once. */
  consume() {
    if (this.#used) throw new TypeError("Body is unusable: Body has already been read");
    if (!this.has) return new Uint8Array();
    this.#used = true;
    return this.peek();
  }

  /** The bytes, to be had again. */
  peek() {
    if (typeof this.#bytes === "function") this.#bytes = this.#bytes();
    return this.#bytes;
  }

  /** Another body with the same bytes. */
  copy() {
    if (this.#used) throw new TypeError("Body is unusable: Body has already been read");
    const other = new Body();
    if (this.has) other.#bytes = this.peek();
    return other;
  }
}

/** The ways to read a message's body, for the class of the message: `bodyOf` finds it. */
export function readable(Message, bodyOf) {
  const reads = {
    bytes: (bytes) => bytes.slice(),
    arrayBuffer: (bytes) => bytes.slice().buffer,
    text: (bytes) => new TextDecoder().decode(bytes),
    json: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
  };
  for (const [name, read] of Object.entries(reads)) {
    Object.defineProperty(Message.prototype, name, {
      configurable: true,
      writable: true,
      value() {
        return new Promise((resolve) => resolve(read(bodyOf(this).consume())));
      },
    });
  }
  Object.defineProperty(Message.prototype, "bodyUsed", {
    configurable: true,
    get() {
      return bodyOf(this).used;
    },
  });
}
