// Stands in for the global `fetch` where it is used.
import { fetch } from "../runtime/fetch.js";
export { fetch, fetch as "globalThis.fetch" };
