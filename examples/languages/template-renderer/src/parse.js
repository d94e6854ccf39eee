// A template's text as a tree: pieces of text, values, sections and partials.

/** A mistake in a template. */
export class TemplateError extends Error {}

const TAG = /\{\{(\{|[#^/>!&=])?\s*([^}]*?)\s*(\}?\}\})/g;
// Tags that are no value of their own: alone in a line they leave no line.
const SILENT = "#^/>!";

/** The nodes of a template: `{ text }`, `{ name, raw }`, `{ section, inverted, nodes }` or `{ partial, indent }`. */
export function parse(template) {
  const root = { nodes: [] };
  const open = [root];
  let at = 0;
  for (const match of template.matchAll(TAG)) {
    const [whole, sigil = "", name, end] = match;
    const line = () => template.slice(0, match.index).split("\n").length;
    const { before, after, indent } = standalone(template, match.index, whole.length, sigil);
    const nodes = open.at(-1).nodes;
    if (before > at) nodes.push({ text: template.slice(at, before) });
    at = after;
    if ((sigil === "{") !== (end === "}}}")) throw new TemplateError(`line ${line()}: ${whole} is closed otherwise than it was opened`);
    if (sigil === "=") throw new TemplateError(`line ${line()}: other delimiters can't be set`);
    if (name === "" && sigil !== "!") throw new TemplateError(`line ${line()}: ${whole} names nothing`);
    take(open, sigil, name, indent, line);
  }
  if (open.length > 1) throw new TemplateError(`the section \`${open.at(-1).section}\` is not closed`);
  if (at < template.length) root.nodes.push({ text: template.slice(at) });
  return root.nodes;
}

function take(open, sigil, name, indent, line) {
  const { nodes } = open.at(-1);
  switch (sigil) {
    case "!":
      return;
    case ">":
      nodes.push({ partial: name, indent });
      return;
    case "#":
    case "^": {
      const section = { section: name, inverted: sigil === "^", nodes: [] };
      nodes.push(section);
      open.push(section);
      return;
    }
    case "/":
      if (open.at(-1).section !== name) throw new TemplateError(`line ${line()}: \`${name}\` is closed where it is not open`);
      open.pop();
      return;
    default:
      nodes.push({ name, raw: sigil !== "" });
  }
}

/** Where the text before a tag ends and that after it begins: a line with a silent tag alone is left out whole. */
function standalone(template, start, length, sigil) {
  const end = start + length;
  const plain = { before: start, after: end, indent: "" };
  if (sigil === "" || !SILENT.includes(sigil)) return plain;
  const lineStart = template.lastIndexOf("\n", start - 1) + 1;
  const newline = template.indexOf("\n", end);
  const lineEnd = newline < 0 ? template.length : newline + 1;
  const indent = template.slice(lineStart, start);
  if (start === 0 && lineStart !== 0) return plain;
  if (/\S/.test(indent) || /\S/.test(template.slice(end, lineEnd))) return plain;
  return { before: lineStart, after: lineEnd, indent };
}
