// Text and bytes. The engine has no native way between them but base64, which beats a loop over the bytes many times:
// bytes -> base64 -> a string of one character a byte -> text, and back. It is done in pieces, so that a large text
// takes little more memory than itself.

const PIECE = 48 * 1024;
const NOT_ASCII = /[^\x00-\x7f]/;

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    const string = String(text).toWellFormed();
    if (string.length <= PIECE) return encodePiece(string);
    const pieces = [];
    let length = 0;
    for (let start = 0; start < string.length; ) {
      const piece = encodePiece(string.slice(start, (start = pieceEnd(string, start))));
      pieces.push(piece);
      length += piece.length;
    }
    return joined(pieces, length);
  }

  encodeInto(text, into) {
    const string = String(text).toWellFormed();
    const bytes = encodePiece(string);
    if (bytes.length <= into.length) {
      into.set(bytes);
      return { read: string.length, written: bytes.length };
    }
    let written = into.length;
    while (written > 0 && isContinuation(bytes[written])) written--;
    into.set(bytes.subarray(0, written));
    return { read: decodeValid(bytes.subarray(0, written)).length, written };
  }
}

export class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #held = new Uint8Array();
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    this.#encoding = LABELS[String(label).trim().toLowerCase()];
    if (this.#encoding === undefined) throw new RangeError(`the encoding \`${label}\` is not there: utf-8 and utf-16le are`);
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input, { stream = false } = {}) {
    let bytes = viewed(input);
    if (this.#held.length > 0) bytes = joined([this.#held, bytes], this.#held.length + bytes.length);
    const whole = stream ? wholeLength(bytes, this.#encoding) : bytes.length;
    this.#held = bytes.slice(whole);
    let text;
    try {
      text = this.#encoding === "utf-8" ? decodeUtf8(bytes.subarray(0, whole), this.#fatal) : decodeUtf16(bytes.subarray(0, whole), this.#fatal);
    } catch (error) {
      this.#held = new Uint8Array();
      this.#begun = false;
      throw error;
    }
    if (!this.#begun && !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    this.#begun = stream && (this.#begun || whole > 0);
    return text;
  }
}

const LABELS = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "unicode-1-1-utf-8": "utf-8",
  "utf-16le": "utf-16le",
  "utf-16": "utf-16le",
};

function viewed(input) {
  if (input === undefined) return new Uint8Array();
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
  throw new TypeError("decode takes bytes: an ArrayBuffer or a view of one");
}

function encodePiece(string) {
  const bytes = NOT_ASCII.test(string) ? unescape(encodeURIComponent(string)) : string;
  return Uint8Array.fromBase64(btoa(bytes));
}

/** Where a piece ends that begins here: not between the two halves of a character. */
function pieceEnd(string, start) {
  const end = Math.min(string.length, start + PIECE);
  const last = string.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function joined(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const isContinuation = (byte) => (byte & 0xc0) === 0x80;

function decodeUtf8(bytes, fatal) {
  if (bytes.length <= PIECE) return decodePiece(bytes, fatal);
  const pieces = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(bytes.length, start + PIECE);
    // Three steps back are enough to the first byte of a character; more are no UTF-8 and end wherever they end.
    for (let back = 0; back < 3 && end < bytes.length && isContinuation(bytes[end]); back++) end--;
    pieces.push(decodePiece(bytes.subarray(start, end), fatal));
    start = end;
  }
  return pieces.join("");
}

function decodePiece(bytes, fatal) {
  try {
    return decodeValid(bytes);
  } catch {
    if (fatal) throw new TypeError("The encoded data was not valid for encoding utf-8");
    return decodeWithReplacements(bytes);
  }
}

function decodeValid(bytes) {
  const string = atob(bytes.toBase64());
  return NOT_ASCII.test(string) ? decodeURIComponent(escape(string)) : string;
}

/** Each longest part that could have begun a character becomes U+FFFD, as the Encoding Standard says. */
function decodeWithReplacements(bytes) {
  let text = "";
  let valid = 0;
  for (let at = 0; at < bytes.length; ) {
    const { length, whole } = sequenceAt(bytes, at);
    if (!whole) {
      text += decodeValid(bytes.subarray(valid, at)) + "\ufffd";
      valid = at + length;
    }
    at += length;
  }
  return text + decodeValid(bytes.subarray(valid));
}

/** How many bytes here belong together, and whether they are a whole character. */
function sequenceAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return { length: 1, whole: true };
  const wanted = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (wanted === 0) return { length: 1, whole: false };
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let length = 1;
  while (length < wanted && at + length < bytes.length) {
    const next = bytes[at + length];
    const fits = length === 1 ? next >= low && next <= high : isContinuation(next);
    if (!fits) break;
    length++;
  }
  return { length, whole: length === wanted };
}

/** How much of a stream's piece can be decoded before the next one is there. */
function wholeLength(bytes, encoding) {
  if (encoding === "utf-16le") {
    const even = bytes.length & ~1;
    const high = even >= 2 ? bytes[even - 1] : 0;
    return high >= 0xd8 && high <= 0xdb ? even - 2 : even;
  }
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const at = bytes.length - back;
    if (isContinuation(bytes[at])) continue;
    const { length, whole } = sequenceAt(bytes, at);
    return !whole && at + length === bytes.length && bytes[at] >= 0xc2 && bytes[at] < 0xf5 ? at : bytes.length;
  }
  return bytes.length;
}

function decodeUtf16(bytes, fatal) {
  const units = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) units.push(bytes[at] | (bytes[at + 1] << 8));
  if (bytes.length % 2 === 1) units.push(0xdc00);
  let text = "";
  for (let at = 0; at < units.length; at += 4096) text += String.fromCharCode.apply(null, units.slice(at, at + 4096));
  if (text.isWellFormed()) return text;
  if (fatal) throw new TypeError("The encoded data was not valid for encoding utf-16le");
  return text.toWellFormed();
}
