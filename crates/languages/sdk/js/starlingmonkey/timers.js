// The engine's timers, which end with the call that set them.

const { clearTimeout: clear, setInterval: every, setTimeout: once } = globalThis;
const running = new Set();

export function setTimeout(callback, delay, ...args) {
  const done = () => {
    running.delete(id);
    callback(...args);
  };
  const id = once(done, delay);
  running.add(id);
  return id;
}

export function setInterval(callback, delay, ...args) {
  const id = every(callback, delay, ...args);
  running.add(id);
  return id;
}

export function clearTimer(id) {
  running.delete(id);
  clear(id);
}

/** The call is over, and what still waits with it. */
export function endTimers() {
  for (const id of running) clear(id);
  running.clear();
}
