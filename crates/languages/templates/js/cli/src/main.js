// A command: arguments and stdin in, stdout and an exit code out.

import { stdin, stdout } from "#airssys/cli.js";

export default function main([greeting = "hello"]) {
  for (const name of stdin.lines()) stdout.write(greet(greeting, name));
}

export function greet(greeting, name) {
  return `${greeting}, ${name}!\n`;
}
