// What a component is written with. The types, with what each thing does, are in `index.d.ts`.

export { component } from "./src/component.js";
export { ComponentError, InvalidInput, InvalidConfig, Denied, Unavailable, Failed } from "./src/errors.js";
export { Input, Context, Saved } from "./src/input.js";
export { Output, text, json, bytes } from "./src/output.js";
export { fileRead, fileWrite, networkOutbound, environment } from "./src/capability.js";
export * as log from "./src/log.js";
export * as keyvalue from "./src/keyvalue.js";
export * as services from "./src/services.js";
export * as process from "./src/process.js";
export * as settings from "./src/settings.js";
