// Buckets of the host.

import { increment as sum } from "wasi:keyvalue/atomics@0.2.0-draft2";

export { open } from "wasi:keyvalue/store@0.2.0-draft2";
export const increment = (bucket, key, delta) => Number(sum(bucket, key, delta));
