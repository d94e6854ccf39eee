// Stands in for the global `console` of a command where it is used.
import { console } from "../runtime/console-cli.js";
export { console, console as "globalThis.console" };
