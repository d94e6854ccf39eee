// Outbound HTTP of the host, one request at a time.

import { Fields, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";
import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Denied, Unavailable } from "../src/errors.js";
import { readBody, writeBody } from "./streams.js";
import { latin1, bytesOfLatin1 } from "./latin1.js";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const DENIED = ["HTTP-request-denied", "destination-IP-prohibited"];
const AWAY = /^(DNS|destination|connection)|timeout$/;

/** Sends a request; returns the status, the headers and what reads the body. */
export function send({ url, method, headers, body }) {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`fetch takes http: and https:, and no ${url.protocol}`);
  const request = new OutgoingRequest(Fields.fromList(headers.map(([name, value]) => [name, bytesOfLatin1(value)])));
  request.setMethod(METHODS.includes(method) ? { tag: method.toLowerCase() } : { tag: "other", val: method });
  request.setScheme({ tag: url.protocol === "https:" ? "HTTPS" : "HTTP" });
  request.setAuthority(url.host);
  request.setPathWithQuery(url.pathname + url.search);
  const outgoing = request.body();
  try {
    const future = handle(request, undefined);
    const broken = sendBody(outgoing, body);
    const answer = arrived(future, url);
    if (broken !== undefined && answer.status < 400) throw broken;
    return answer;
  } catch (error) {
    throw told(error, url);
  }
}

/** Sends the body. One that broke off is told of only if the answer doesn't say why. */
function sendBody(outgoing, bytes) {
  let broken;
  try {
    writeBody(outgoing, bytes ?? new Uint8Array());
  } catch (error) {
    broken = error;
  }
  if (broken === undefined) OutgoingBody.finish(outgoing, undefined);
  else outgoing[Symbol.dispose]();
  return broken;
}

function arrived(future, url) {
  const ready = future.subscribe();
  ready.block();
  ready[Symbol.dispose]();
  // The outer result says that it is had for the first time, the inner one what came.
  const { tag, val: response } = future.get().val;
  future[Symbol.dispose]();
  if (tag === "err") throw told({ payload: response }, url);
  const fields = response.headers();
  const headers = fields.entries().map(([name, value]) => [name, latin1(value)]);
  fields[Symbol.dispose]();
  return { status: response.status(), headers, read: () => readAndLeave(response) };
}

function readAndLeave(response) {
  try {
    return readBody(response);
  } finally {
    response[Symbol.dispose]();
  }
}

/** A refusal is one of ours, so that a handler that doesn't catch it is `denied` and not `failed`. */
function told(error, url) {
  const { tag, val } = error.payload ?? {};
  if (tag === undefined) return error;
  const why = `${url.origin}: ${tag}${typeof val === "string" ? `: ${val}` : ""}`;
  if (DENIED.includes(tag)) return new Denied(`the request is not granted: ${why}`);
  if (AWAY.test(tag)) return new Unavailable(why);
  return new TypeError(`fetch failed: ${why}`);
}
