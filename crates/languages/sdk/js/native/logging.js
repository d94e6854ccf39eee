// In tests lines go to the console of the test's own program.

const BY_LEVEL = { trace: "debug", debug: "debug", info: "info", warn: "warn", error: "error", critical: "error" };

export function log(level, context, message) {
  console[BY_LEVEL[level]](`${level} ${context && `${context}: `}${message}`);
}
