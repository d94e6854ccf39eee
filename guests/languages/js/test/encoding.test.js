// The runtime's text encoding beside node's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TextDecoder as OwnDecoder, TextEncoder as OwnEncoder } from "#airssys/runtime/encoding.js";

// The engine has these two; node 20 has not.
Uint8Array.prototype.toBase64 ??= function () {
  return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("base64");
};
Uint8Array.fromBase64 ??= (text) => new Uint8Array(Buffer.from(text, "base64"));

const TEXTS = ["", "a", "é", "漢字", "😀", "\ufeffbom", "\0", "a\ud800b", "\udc00", "x".repeat(49151) + "😀é", "é".repeat(100000)];

test("text becomes the same bytes", () => {
  for (const text of TEXTS) assert.deepEqual(new OwnEncoder().encode(text), new TextEncoder().encode(text));
});

test("bytes of every kind become the same text", () => {
  const random = (length) => Uint8Array.from({ length }, () => Math.floor(Math.random() * 256));
  const samples = [...TEXTS.map((text) => new TextEncoder().encode(text)), [0xf0, 0x9f, 0x98], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe0, 0x80, 0x61]];
  for (let round = 0; round < 500; round++) samples.push(random(round % 40));
  for (const sample of samples) {
    const bytes = Uint8Array.from(sample);
    for (const ignoreBOM of [true, false]) {
      const options = { ignoreBOM };
      assert.equal(new OwnDecoder("utf-8", options).decode(bytes), new TextDecoder("utf-8", options).decode(bytes), `${bytes}`);
    }
    const tried = (Decoder) => {
      try {
        return new Decoder("utf-8", { fatal: true }).decode(bytes);
      } catch (error) {
        return error.name;
      }
    };
    assert.equal(tried(OwnDecoder), tried(TextDecoder), `${bytes}`);
  }
});

test("a stream may be cut anywhere", () => {
  const bytes = new TextEncoder().encode("aé漢😀\ufeffz");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new OwnDecoder();
    const text = decoder.decode(bytes.subarray(0, cut), { stream: true }) + decoder.decode(bytes.subarray(cut));
    assert.equal(text, "aé漢😀\ufeffz", `${cut}`);
  }
});

test("encodeInto writes whole characters alone", () => {
  for (const size of [0, 1, 2, 3, 4, 5, 6, 7, 20]) {
    const [own, native] = [new Uint8Array(size), new Uint8Array(size)];
    assert.deepEqual(new OwnEncoder().encodeInto("aé漢😀", own), new TextEncoder().encodeInto("aé漢😀", native), `${size}`);
    assert.deepEqual(own, native);
  }
});

test("UTF-16 is read as node reads it", () => {
  const bytes = new Uint8Array(Buffer.from("\ufeffaé漢😀", "utf16le"));
  assert.equal(new OwnDecoder("utf-16le").decode(bytes), new TextDecoder("utf-16le").decode(bytes));
});
