// Renders a template with its data. The call brings both; partials may also come of the configuration.

import { component, InvalidConfig, InvalidInput, text } from "#airssys";
import { parse, TemplateError } from "./parse.js";
import { render } from "./render.js";

/** The configuration's partials, parsed once for an instance. */
let common = new Map();

export default component({
  init({ partials = {}, ...unknown }) {
    for (const name of Object.keys(unknown)) throw new InvalidConfig(`there is no setting \`${name}\``);
    common = parsed(partials, InvalidConfig);
  },

  handle(input) {
    const { template, data = {}, partials = {}, content_type: contentType = "text/html; charset=utf-8" } = input.json() ?? {};
    if (typeof template !== "string") throw new InvalidInput("`template` is a text");
    const all = new Map([...common, ...parsed(partials, InvalidInput)]);
    return text(rendered(() => render(parse(template), data, all), "the template", InvalidInput), { contentType });
  },
});

function parsed(partials, Fault) {
  const entries = Object.entries(partials).map(([name, source]) => {
    if (typeof source !== "string") throw new Fault(`the partial \`${name}\` is no text`);
    return [name, rendered(() => parse(source), `the partial \`${name}\``, Fault)];
  });
  return new Map(entries);
}

/** What `work` returns; a template's mistake is told as the fault of whoever wrote it. */
function rendered(work, what, Fault) {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw new Fault(`${what}: ${error.message}`);
    throw error;
  }
}
