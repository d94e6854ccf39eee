// What Math.random begins with: another number in each instance, and no secret.

export { insecureSeed } from "wasi:random/insecure-seed@0.2.12";
