// Standard input, output and error, arguments and environment of a command. The types are in `cli.d.ts`.

import * as host from "#host/stdio.js";

const encoder = new TextEncoder();
const bytesOf = (text) => (typeof text === "string" ? encoder.encode(text) : text);

export const stdin = {
  *chunks() {
    for (let piece = host.stdin(); piece !== undefined; piece = host.stdin()) yield piece;
  },

  bytes() {
    const pieces = [...this.chunks()];
    const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    pieces.reduce((at, piece) => (all.set(piece, at), at + piece.length), 0);
    return all;
  },

  text() {
    return new TextDecoder().decode(this.bytes());
  },

  *lines() {
    const decoder = new TextDecoder();
    let rest = "";
    for (const piece of this.chunks()) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) yield line.replace(/\r$/, "");
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  },
};

export const stdout = { write: (text) => host.stdout(bytesOf(text)) };
export const stderr = { write: (text) => host.stderr(bytesOf(text)) };
export const environment = () => host.environment();
