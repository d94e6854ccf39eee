// The log of the host.

export { log } from "wasi:logging/logging@0.1.0-draft";
