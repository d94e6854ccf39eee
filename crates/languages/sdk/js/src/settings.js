// Single settings by `wasi:config`, for code that has no `init` at hand.

import * as host from "#host/settings.js";
import { Failed } from "./errors.js";

export function get(name) {
  return asked(() => host.get(name)) ?? undefined;
}

export function all() {
  return Object.fromEntries(asked(() => host.getAll()));
}

function asked(operation) {
  try {
    return operation();
  } catch (error) {
    if (error.payload === undefined) throw error;
    throw new Failed(`the settings: ${error.payload.val}`);
  }
}
