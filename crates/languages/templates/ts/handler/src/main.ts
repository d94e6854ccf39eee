// Greets whoever the input names.

import { component, InvalidConfig, InvalidInput, text } from "#airssys";

/** The [config] of Component.toml. A name that is not listed here is refused when the component is deployed. */
interface Settings {
  greeting: string;
}

let settings: Settings;

export default component<Settings>({
  init({ greeting, ...unknown }) {
    if (typeof greeting !== "string") throw new InvalidConfig("`greeting` is a text");
    for (const name of Object.keys(unknown)) throw new InvalidConfig(`there is no setting \`${name}\``);
    settings = { greeting };
  },

  handle(input) {
    const name = input.text().trim();
    if (name === "") throw new InvalidInput("nobody to greet: send a name");
    return text(`${settings.greeting}, ${name}!`);
  },
});
