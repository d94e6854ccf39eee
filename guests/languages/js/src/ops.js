// The operations, by their names.

import { bytes, ComponentError, InvalidInput, json, keyvalue, log, Output, settings, text } from "#airssys";

export const ops = {
  echo: ({ bytes, contentType, metadata }) =>
    new Output(bytes, { contentType, metadata: metadata.filter(([name]) => name.toLowerCase() !== "op") }),

  length: ({ bytes }) => text(String(bytes.length)),

  upper: (input) => text(readText(input).toUpperCase()),

  fill: (input) => bytes(pattern(Number(input.text()))),

  sum: (input) => text(String(input.json().reduce((sum, number) => sum + number, 0))),

  error: (input) => {
    throw new ComponentError(input.text(), `as asked: ${input.text()}`);
  },

  crash: () => {
    throw new TypeError("as asked: crash");
  },

  log: (input) => {
    const [level, ...words] = input.text().split(" ");
    log[level](words.join(" "));
    return text("logged");
  },

  context: (_, { requestId, traceParent, deadlineNs, caller, attempt }) =>
    json({
      request_id: requestId,
      trace_parent: traceParent ?? null,
      deadline_ns: deadlineNs ?? null,
      caller: caller ?? null,
      attempt,
    }),

  config: (_input, _context, { config }) => json(sorted(config)),

  env: (input) => {
    const value = settings.get(input.text());
    if (value === undefined) throw new InvalidInput("not set");
    return text(value);
  },

  "kv-set": (input) => {
    const [bucket, key, ...value] = input.text().split(" ");
    keyvalue.open(bucket).set(key, value.join(" "));
    return text("set");
  },

  "kv-get": (input) => {
    const [bucket, key] = input.text().split(" ");
    const value = keyvalue.open(bucket).get(key);
    if (value === undefined) throw new InvalidInput("no such key");
    return bytes(value);
  },

  "kv-delete": (input) => {
    const [bucket, key] = input.text().split(" ");
    keyvalue.open(bucket).delete(key);
    return text("deleted");
  },

  "kv-increment": (input) => {
    const [bucket, key, delta] = input.text().split(" ");
    return text(String(keyvalue.open(bucket).increment(key, Number(delta))));
  },

  "kv-list": (input) => text([...keyvalue.open(input.text()).keys()].sort().join("\n")),

  http: async (input) => {
    const [method, url, ...body] = input.text().split(" ");
    const response = await fetch(url, { method, body: body.length > 0 ? body.join(" ") : undefined });
    return text(`${response.status} ${await response.text()}`);
  },

  count: (_input, _context, instance) => text(String(++instance.count)),

  "restored-by": (_input, _context, { savedBy }) => text(savedBy),

  allocate: (input) => {
    new Uint8Array(Number(input.text()) * 2 ** 20).fill(1);
    return text("ok");
  },

  spin: () => {
    for (;;);
  },
};

function readText(input) {
  try {
    return input.text();
  } catch {
    throw new InvalidInput("not UTF-8");
  }
}

/** Byte i is i mod 251; copies of a part are quicker than as many assignments. */
function pattern(length) {
  const part = Uint8Array.from({ length: 251 }, (_, at) => at);
  const filled = new Uint8Array(length);
  filled.set(part.subarray(0, Math.min(length, 251)));
  for (let have = 251; have < length; have *= 2) filled.copyWithin(have, 0, Math.min(have, length - have));
  return filled;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
