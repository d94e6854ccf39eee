// The same of the program that runs the tests.

import { readSync, writeSync } from "node:fs";

export function stdin() {
  const piece = Buffer.alloc(65536);
  const read = readSync(0, piece);
  return read === 0 ? undefined : new Uint8Array(piece.subarray(0, read));
}

export const stdout = (bytes) => void writeSync(1, bytes);
export const stderr = (bytes) => void writeSync(2, bytes);
export const args = () => process.argv.slice(2);
export const environment = () => ({ ...process.env });
export const exit = (code) => process.exit(code);
