// The errors that a component reports: whose fault each is decides what its caller is told.

/** An error with the kind by which the node answers it. */
export class ComponentError extends Error {
  constructor(kind, message, options) {
    super(message, options);
    this.kind = kind;
  }
}

// The names stand as text: a bundler may rename the classes.
const named = (kind, name) => {
  const type = class extends ComponentError {
    constructor(message, options) {
      super(kind, message, options);
    }
  };
  Object.defineProperty(type, "name", { value: name });
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
  return type;
};

export const InvalidInput = /* @__PURE__ */ named("invalid-input", "InvalidInput");
export const InvalidConfig = /* @__PURE__ */ named("invalid-config", "InvalidConfig");
export const Denied = /* @__PURE__ */ named("denied", "Denied");
export const Unavailable = /* @__PURE__ */ named("unavailable", "Unavailable");
export const Failed = /* @__PURE__ */ named("failed", "Failed");

const BY_KIND = {
  "invalid-input": InvalidInput,
  "invalid-config": InvalidConfig,
  denied: Denied,
  unavailable: Unavailable,
  failed: Failed,
};

/** The error of a kind that came from elsewhere. */
export function errorOfKind(kind, message) {
  return new (BY_KIND[kind] ?? Failed)(message);
}

/** What the contract wants of anything thrown. Only an error of ours says more than `failed`. */
export function reported(thrown) {
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  const kind = thrown instanceof ComponentError ? thrown.kind : "failed";
  return { kind: kind in BY_KIND ? kind : "failed", message: message.toWellFormed() };
}

/** Whether something thrown is a surprise, whose stack belongs in the log. */
export function isUnexpected(thrown) {
  return !(thrown instanceof ComponentError);
}
