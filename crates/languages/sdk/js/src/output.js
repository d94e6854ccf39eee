// What goes out of a component.

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

/** A call's output. */
export class Output {
  constructor(body = new Uint8Array(), { contentType, metadata = [] } = {}) {
    this.bytes = toBytes(body);
    this.contentType = contentType ?? undefined;
    this.metadata = metadata;
  }

  text() {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes);
  }

  json() {
    return JSON.parse(this.text());
  }
}

export function text(body, options) {
  return new Output(String(body), { contentType: TEXT, ...options });
}

export function json(value, options) {
  const body = JSON.stringify(value);
  if (body === undefined) throw new TypeError("JSON has no such value: a function, a symbol or undefined");
  return new Output(body, { contentType: JSON_TYPE, ...options });
}

export function bytes(body, options) {
  return new Output(body, options);
}

/** What a handler returned, as an output. */
export function asOutput(answer) {
  if (answer instanceof Output) return answer;
  if (typeof answer === "string") return text(answer);
  if (answer instanceof Uint8Array || answer instanceof ArrayBuffer) return new Output(answer);
  throw new TypeError(
    `handle returned ${answer === null ? "null" : typeof answer}: return a string, a Uint8Array, text(…), json(…) or bytes(…)`,
  );
}

/** Bytes, of whatever stands for bytes. */
export function toBytes(body) {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("bytes are wanted: a string, a Uint8Array or an ArrayBuffer");
}
