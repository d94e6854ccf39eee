// Standard input, output and error of a command, its arguments and its environment.

import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.12";
import { exitWithCode } from "wasi:cli/exit@0.2.12";
import { getStderr } from "wasi:cli/stderr@0.2.12";
import { getStdin } from "wasi:cli/stdin@0.2.12";
import { getStdout } from "wasi:cli/stdout@0.2.12";
import { readSome, writeAll } from "./streams.js";

// Each stream is asked for once, when it is first used: a component's memory is made when it is built.
const once = (make) => {
  let held;
  return () => (held ??= make());
};
const input = once(getStdin);
const output = once(getStdout);
const errors = once(getStderr);

/** The next piece of standard input; undefined at its end. */
export const stdin = () => readSome(input());
export const stdout = (bytes) => writeAll(output(), bytes);
export const stderr = (bytes) => writeAll(errors(), bytes);

/** Without the name of the program. */
export const args = () => getArguments().slice(1);
export const environment = () => Object.fromEntries(getEnvironment());
export const exit = (code) => exitWithCode(code);
