// Greets whoever the input names.

import { component, InvalidConfig, InvalidInput, text } from "#airssys";

export default component({
  // The [config] of Component.toml. A name that is not listed here is refused when the component is deployed.
  init({ greeting, ...unknown }) {
    if (typeof greeting !== "string") throw new InvalidConfig("`greeting` is a text");
    for (const name of Object.keys(unknown)) throw new InvalidConfig(`there is no setting \`${name}\``);
    this.greeting = greeting;
  },

  handle(input) {
    const name = input.text().trim();
    if (name === "") throw new InvalidInput("nobody to greet: send a name");
    return text(`${this.greeting}, ${name}!`);
  },
});
