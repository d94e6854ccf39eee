import assert from "node:assert/strict";
import { test } from "node:test";

import { parse, TemplateError } from "../src/parse.js";
import { render } from "../src/render.js";

const show = (template, data, partials = {}) =>
  render(parse(template), data, new Map(Object.entries(partials).map(([name, text]) => [name, parse(text)])));

test("a value is escaped unless its tag says otherwise", () => {
  assert.equal(show("{{a}} {{{a}}} {{&a}}", { a: `<b> & "c" 'd'` }), `&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; <b> & "c" 'd' <b> & "c" 'd'`);
});

test("a name that is not there is nothing, and none of the engine's own names is data", () => {
  assert.equal(show("[{{a.b.c}}{{constructor}}{{__proto__}}]", { a: {} }), "[]");
});

test("a section goes through a list, and an inverted one stands for an empty list", () => {
  const template = "{{#people}}{{name}}({{.}}) {{/people}}{{^people}}nobody{{/people}}";
  assert.equal(show("{{#n}}{{.}},{{/n}}", { n: [1, 2, 3] }), "1,2,3,");
  assert.equal(show(template, { people: [] }), "nobody");
});

test("what a section does not have is taken from around it", () => {
  assert.equal(show("{{#a}}{{x}}{{y}}{{/a}}", { x: 1, y: 2, a: { y: 3 } }), "13");
});

test("zero is a value, and false is none", () => {
  assert.equal(show("{{n}}{{#n}}yes{{/n}}{{#f}}no{{/f}}", { n: 0, f: false }), "0yes");
});

test("a line with nothing but a section's tag leaves no line", () => {
  assert.equal(show("a\n  {{#s}}\nb\n  {{/s}}\nc\n", { s: true }), "a\nb\nc\n");
});

test("a partial sees the data around it and takes the place's indentation", () => {
  assert.equal(show("<ul>\n  {{>item}}\n</ul>\n", { x: "<" }, { item: "<li>\n{{x}}\n</li>\n" }), "<ul>\n  <li>\n  &lt;\n  </li>\n</ul>\n");
});

test("a partial may name itself for as long as there is data", () => {
  const tree = "{{name}}{{#children}}({{>node}}){{/children}}";
  assert.equal(show("{{>node}}", { name: "a", children: [{ name: "b", children: [] }] }, { node: tree }), "a(b)");
  assert.throws(() => show("{{>loop}}", {}, { loop: "{{>loop}}" }), TemplateError);
});

test("a mistake is told with its line", () => {
  assert.throws(() => parse("a\n{{#s}}\n{{/t}}"), /line 3: `t` is closed where it is not open/);
  assert.throws(() => parse("{{#s}}"), /`s` is not closed/);
  assert.throws(() => parse("{{}}"), /names nothing/);
});
