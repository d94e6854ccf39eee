// The console's functions, over one that writes a line at a level.

import { format, inspect } from "./format.js";

export function makeConsole(write) {
  const counts = new Map();
  const times = new Map();
  let indent = "";
  const at = (level) => (...values) => write(level, (indent + format(values)).toWellFormed());
  const [debug, info, warn, error] = ["debug", "info", "warn", "error"].map(at);
  return {
    debug,
    info,
    warn,
    error,
    log: info,
    trace: at("trace"),
    dir: (value) => info(inspect(value)),
    table: (value) => info(inspect(value)),
    assert: (condition, ...values) => condition || error("Assertion failed:", ...values),
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      info(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => void counts.delete(label),
    group: (...values) => {
      if (values.length > 0) info(...values);
      indent += "  ";
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    time: (label = "default") => void times.set(label, performance.now()),
    timeLog: (label = "default") => info(`${label}: ${(performance.now() - times.get(label)).toFixed(3)}ms`),
    timeEnd: (label = "default") => {
      info(`${label}: ${(performance.now() - times.get(label)).toFixed(3)}ms`);
      times.delete(label);
    },
  };
}
