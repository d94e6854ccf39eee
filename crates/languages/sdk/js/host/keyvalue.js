// Buckets of the host.

export { open } from "wasi:keyvalue/store@0.2.0-draft2";
export { increment } from "wasi:keyvalue/atomics@0.2.0-draft2";
