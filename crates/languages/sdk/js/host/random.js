// Random bytes of the host, fit for secrets.

export { getRandomBytes } from "wasi:random/random@0.2.12";
