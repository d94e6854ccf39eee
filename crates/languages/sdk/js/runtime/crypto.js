// The randomness of Web Crypto, by the host. There is no `crypto.subtle`.

import { getRandomBytes } from "#host/random.js";
import { mustHaveBegun } from "./beginning.js";

const LIMIT = 65536;

export const crypto = {
  getRandomValues(array) {
    mustHaveBegun("random bytes");
    if (!ArrayBuffer.isView(array) || array instanceof DataView || array instanceof Float32Array || array instanceof Float64Array) {
      throw new DOMException("getRandomValues takes an array of integers", "TypeMismatchError");
    }
    if (array.byteLength > LIMIT) {
      throw new DOMException(`getRandomValues gives at most ${LIMIT} bytes at once`, "QuotaExceededError");
    }
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getRandomBytes(array.byteLength));
    return array;
  },

  randomUUID() {
    mustHaveBegun("random bytes");
    const bytes = getRandomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
};
