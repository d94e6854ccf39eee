// The exports of a handler: the contract's functions, each to the end of its promise.

import { asks, isComponent, readConfig, savedBytes } from "../src/component.js";
import { isUnexpected, reported } from "../src/errors.js";
import { Context, Input, Saved } from "../src/input.js";
import { asOutput } from "../src/output.js";
import { begin } from "../runtime/beginning.js";
import { settle } from "#engine/loop.js";
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
      shutdown: () =>
        settle(() => own.shutdown?.(), report, nothing, (error) => report("uncaught in shutdown", error)),
    },
    handler: {
      execute: (context, { body, contentType, metadata }) =>
        answering(() => own.handle(new Input(body, { contentType, metadata }), new Context(known(context))), output),
    },
    capabilities: {
      required: () => settle(() => asks(own), report, asked, thrown),
    },
    state: {
      save: () => answering(() => (own.save === undefined ? new Uint8Array() : own.save()), savedBytes),
      restore: (saved, savedBy) => answering(() => own.restore?.(new Saved(saved), savedBy), nothing),
    },
  };
}

/** What a function comes to, in the form that the contract has for it; an error is thrown as the contract has it. */
function answering(work, form) {
  return settle(work, report, form, (error) => {
    if (isUnexpected(error)) report("uncaught", error);
    throw reported(error);
  });
}

const nothing = () => undefined;
const asked = (list) => list.map(({ capability, reason }) => ({ capability, reason }));
const thrown = (error) => {
  throw error;
};

/** What the host tells of a call; its deadline has 64 bits, which are a Number in one engine and a BigInt in the other. */
function known(context) {
  const { deadlineNs } = context;
  return { ...context, deadlineNs: deadlineNs === undefined || deadlineNs === null ? undefined : Number(deadlineNs) };
}

function output(answer) {
  const { bytes, contentType, metadata } = asOutput(answer);
  return {
    body: bytes,
    contentType: contentType?.toWellFormed(),
    metadata: metadata.map((pair) => pair.map((text) => String(text).toWellFormed())),
  };
}
