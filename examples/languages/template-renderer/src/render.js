// A parsed template with its data.

import { TemplateError } from "./parse.js";

// Partials may name themselves, for trees; data that never ends would make text that never ends.
const DEEPEST = 50;

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** The text. `partials` are parsed templates by their names; one that is not there is nothing. */
export function render(nodes, data, partials = new Map()) {
  return renderAll(nodes, [data], { partials, depth: 0 });
}

const renderAll = (nodes, stack, from) => nodes.map((node) => renderOne(node, stack, from)).join("");

function renderOne(node, stack, from) {
  if (node.text !== undefined) return node.text;
  if (node.partial !== undefined) return renderPartial(node, stack, from);
  if (node.section !== undefined) return renderSection(node, stack, from);
  const value = find(node.name, stack) ?? "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return node.raw ? text : text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

function renderSection({ section, inverted, nodes }, stack, from) {
  const value = find(section, stack);
  const items = Array.isArray(value) ? value : isEmpty(value) ? [] : [value];
  if (inverted) return items.length === 0 ? renderAll(nodes, stack, from) : "";
  return items.map((item) => renderAll(nodes, [...stack, item], from)).join("");
}

function renderPartial({ partial, indent }, stack, { partials, depth }) {
  if (depth === DEEPEST) throw new TemplateError(`the partial \`${partial}\` names itself more than ${DEEPEST} deep`);
  const text = renderAll(partials.get(partial) ?? [], stack, { partials, depth: depth + 1 });
  return indent === "" ? text : text.replace(/^(?=[^\n])/gm, indent);
}

const isEmpty = (value) => value === undefined || value === null || value === false || value === "";

/** The value of a name, in the innermost data that has its first part. */
function find(name, stack) {
  if (name === ".") return stack.at(-1);
  const [first, ...rest] = name.split(".");
  const holder = stack.findLast((data) => has(data, first));
  return rest.reduce((value, part) => (has(value, part) ? value[part] : undefined), holder?.[first]);
}

const has = (value, part) => typeof value === "object" && value !== null && Object.hasOwn(value, part);
