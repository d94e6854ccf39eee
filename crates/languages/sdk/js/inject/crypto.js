// Stands in for the global `crypto` where it is used.
import { crypto } from "../runtime/crypto.js";
export { crypto, crypto as "globalThis.crypto" };
