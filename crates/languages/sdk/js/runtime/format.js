// How the console shows values.

const DEPTH = 4;
const LENGTH = 100;

/** One line of what console.log is given: `%s`, `%d`, `%i`, `%f`, `%j`, `%o` and `%O` in a first text take what follows. */
export function format(values) {
  const [first, ...rest] = values;
  if (typeof first !== "string") return values.map(shown).join(" ");
  const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
    if (mark === "%%") return "%";
    if (rest.length === 0) return mark;
    return FORMS[mark[1]](rest.shift());
  });
  return [text, ...rest.map(shown)].join(" ");
}

const FORMS = {
  s: (value) => (typeof value === "object" && value !== null ? inspect(value) : String(value)),
  d: (value) => String(Number(value)),
  i: (value) => String(Number.parseInt(value)),
  f: (value) => String(Number.parseFloat(value)),
  j: (value) => JSON.stringify(value),
  o: (value) => inspect(value),
  O: (value) => inspect(value),
  c: () => "",
};

const shown = (value) => (typeof value === "string" ? value : inspect(value));

/** A value as somebody would write it. */
export function inspect(value, depth = 0, above = []) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return value.toString();
  if (typeof value === "function") return `[Function: ${value.name || "(anonymous)"}]`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (above.includes(value)) return "[Circular]";
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  const inner = (part) => inspect(part, depth + 1, [...above, value]);
  if (depth >= DEPTH) return Array.isArray(value) ? "[Array]" : "[Object]";
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return list(value, inner);
  if (value instanceof Map) return `Map(${value.size}) {${some([...value], ([k, v]) => `${inner(k)} => ${inner(v)}`)}}`;
  if (value instanceof Set) return `Set(${value.size}) {${some([...value], inner)}}`;
  const name = value.constructor?.name;
  const head = name && name !== "Object" ? `${name} ` : "";
  return `${head}{${some(Object.entries(value), ([key, part]) => `${key}: ${inner(part)}`)}}`;
}

/** An error with its stack, its own fields and its cause. */
export function errorText(error) {
  const head = `${error.name}: ${error.message}`;
  const stack = String(error.stack ?? "").trimEnd();
  const text = stack === "" ? head : stack.startsWith(head) ? stack : `${head}\n${stack}`;
  return error.cause === undefined ? text : `${text}\ncaused by ${error.cause instanceof Error ? errorText(error.cause) : inspect(error.cause)}`;
}

function list(value, inner) {
  const head = Array.isArray(value) ? "" : `${value.constructor.name}(${value.length}) `;
  const items = value instanceof DataView ? [] : Array.from(value.length > LENGTH ? value.slice(0, LENGTH + 1) : value);
  return `${head}[${some(items, inner)}]`;
}

function some(parts, form) {
  const texts = parts.slice(0, LENGTH).map(form);
  if (parts.length > LENGTH) texts.push("…");
  return texts.length === 0 ? "" : ` ${texts.join(", ")} `;
}
