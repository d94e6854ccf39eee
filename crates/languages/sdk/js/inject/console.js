// Stands in for the global `console` of a handler or an HTTP service where it is used.
import { console } from "../runtime/console.js";
export { console, console as "globalThis.console" };
