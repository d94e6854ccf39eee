// In tests a bucket lives in memory, and every bucket is granted.

const buckets = new Map();

export function open(name) {
  if (!buckets.has(name)) buckets.set(name, new Memory());
  return buckets.get(name);
}

export function increment(bucket, key, delta) {
  const sum = Number(new TextDecoder().decode(bucket.get(key) ?? new Uint8Array())) + delta;
  bucket.set(key, new TextEncoder().encode(String(sum)));
  return sum;
}

class Memory {
  #entries = new Map();

  get(key) {
    return this.#entries.get(key)?.slice();
  }

  set(key, value) {
    this.#entries.set(key, value.slice());
  }

  delete(key) {
    this.#entries.delete(key);
  }

  exists(key) {
    return this.#entries.has(key);
  }

  listKeys() {
    return { keys: [...this.#entries.keys()], cursor: undefined };
  }
}
