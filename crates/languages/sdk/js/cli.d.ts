// What a command reads and writes. Its `src/main` exports `function main(args: string[])`, which may be `async` and
// returns nothing or an exit code from 0 to 255.

export const stdin: {
  /** All of it. */
  bytes(): Uint8Array;
  text(): string;
  /** Line by line as it comes, without the line's end. */
  lines(): Generator<string>;
  chunks(): Generator<Uint8Array>;
};

export const stdout: { write(text: string | Uint8Array): void };
export const stderr: { write(text: string | Uint8Array): void };

/** The environment variables that the operator granted. */
export function environment(): { [name: string]: string };
