// In tests node has the random bytes.

import { randomBytes } from "node:crypto";

export function getRandomBytes(count) {
  return new Uint8Array(randomBytes(count));
}
