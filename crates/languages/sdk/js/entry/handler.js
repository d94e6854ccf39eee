// The exports of a handler: the contract's functions, each to the end of its promise.

import { asks, isComponent, readConfig, savedBytes } from "../src/component.js";
import { isUnexpected, reported } from "../src/errors.js";
import { Context, Input, Saved } from "../src/input.js";
import { asOutput } from "../src/output.js";
import { begin } from "../runtime/beginning.js";
import { settle } from "../runtime/loop.js";
import { report } from "./report.js";

export function handlerExports(source) {
  const own = source.default;
  if (!isComponent(own)) {
    throw new TypeError("the source has no component: write `export default component({ handle(input, context) { … } })`");
  }
  return {
    lifecycle: {
      init: (config) => {
        begin();
        return answering(() => own.init?.(readConfig(config)), nothing);
      },
      health: () => answering(() => own.health?.(), nothing),
      shutdown: () => {
        try {
          settle(() => own.shutdown?.(), report);
        } catch (error) {
          report("uncaught in shutdown", error);
        }
      },
    },
    handler: {
      execute: (context, { body, contentType, metadata }) =>
        answering(() => own.handle(new Input(body, { contentType, metadata }), new Context(context)), output),
    },
    capabilities: {
      required: () => settle(() => asks(own), report).map(({ capability, reason }) => ({ capability, reason })),
    },
    state: {
      save: () => answering(() => (own.save === undefined ? new Uint8Array() : own.save()), savedBytes),
      restore: (saved, savedBy) => answering(() => own.restore?.(new Saved(saved), savedBy), nothing),
    },
  };
}

/** What a function comes to, in the form that the contract has for it; an error is thrown as the contract has it. */
function answering(work, form) {
  try {
    return form(settle(work, report));
  } catch (error) {
    if (isUnexpected(error)) report("uncaught", error);
    throw reported(error);
  }
}

const nothing = () => undefined;

function output(answer) {
  const { bytes, contentType, metadata } = asOutput(answer);
  return {
    body: bytes,
    contentType: contentType?.toWellFormed(),
    metadata: metadata.map((pair) => pair.map((text) => String(text).toWellFormed())),
  };
}
