// structuredClone, of what a component can hold: no ports, no streams.

export function structuredClone(value) {
  return copy(value, new Map());
}

function copy(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") throw refused(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (made) => {
    seen.set(value, made);
    return made;
  };
  if (value instanceof Date) return keep(new Date(value));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof Boolean || value instanceof Number || value instanceof String) return keep(Object(value.valueOf()));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(copyView(value, seen));
  if (value instanceof Map) {
    const made = keep(new Map());
    for (const [key, part] of value) made.set(copy(key, seen), copy(part, seen));
    return made;
  }
  if (value instanceof Set) {
    const made = keep(new Set());
    for (const part of value) made.add(copy(part, seen));
    return made;
  }
  if (value instanceof Error) return copyError(value, seen, keep);
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) throw refused(value);
  if (value instanceof Promise) throw refused(value);
  const made = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) made[key] = copy(value[key], seen);
  return made;
}

function copyView(value, seen) {
  const buffer = copy(value.buffer, seen);
  const length = value instanceof DataView ? value.byteLength : value.length;
  return new value.constructor(buffer, value.byteOffset, length);
}

function copyError(value, seen, keep) {
  const types = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const Type = types[value.name] ?? Error;
  const made = keep(new Type());
  for (const key of ["stack", "message", "cause"]) {
    if (!Object.hasOwn(value, key)) continue;
    Object.defineProperty(made, key, { value: copy(value[key], seen), configurable: true, writable: true });
  }
  return made;
}

function refused(value) {
  const what = typeof value === "symbol" ? value.toString() : typeof value === "function" ? String(value) : "#<" + value.constructor.name + ">";
  return new DOMException(`${what} could not be cloned.`, "DataCloneError");
}
