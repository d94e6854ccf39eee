// The same of the program that runs the tests.

export function insecureSeed() {
  return [Date.now(), Math.floor(Math.random() * 2 ** 32)];
}
