// In tests the runtime's own fetch is the global one, and this is not called.

export function send() {
  throw new TypeError("outside of a component the runtime's own fetch sends requests");
}
