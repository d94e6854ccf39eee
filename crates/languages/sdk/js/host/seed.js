// What Math.random begins with: another number in each instance, and no secret.

import { insecureSeed as drawn } from "wasi:random/insecure-seed@0.2.12";

// 64 bits come as a Number in one engine and as a BigInt in the other; both are given as a Number.
export const insecureSeed = () => drawn().map(Number);
