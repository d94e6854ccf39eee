// In tests nothing is set.

export function get() {
  return undefined;
}

export function getAll() {
  return [];
}
