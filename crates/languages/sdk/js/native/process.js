// In tests the operator's list is empty.

export function run() {
  throw Object.assign(new Error("no such program"), { payload: { tag: "no-such-program" } });
}
