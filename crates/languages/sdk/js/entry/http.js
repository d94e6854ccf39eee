// The export of an HTTP service: `fetch` of the source's default export, from the host's request to its response.

import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.12";
import { bytesOfLatin1, latin1 } from "../host/latin1.js";
import { readBody, writeBody } from "../host/streams.js";
import { andThen, settle } from "#engine/loop.js";
import { begin } from "../runtime/beginning.js";
import { Request } from "../runtime/request.js";
import { Response } from "../runtime/response.js";
import { report } from "./report.js";

export function httpExports(source) {
  const own = source.default;
  if (typeof own?.fetch !== "function") {
    throw new TypeError("the source has no service: write `export default { fetch(request) { return new Response(…) } }`");
  }
  return {
    incomingHandler: {
      handle: (request, out) => {
        begin();
        return andThen(answerTo(own, request), (answer) => respond(out, answer));
      },
    },
  };
}

function answerTo(own, request) {
  const failed = (error) => {
    report("uncaught", error);
    return leaving(new Response("the service failed\n", { status: 500 }));
  };
  return settle(() => own.fetch(arrived(request)), report, leaving, failed);
}

/** An answer as the host takes it. */
function leaving(answer) {
  if (!(answer instanceof Response)) {
    throw new TypeError(`fetch answered with ${answer === null ? "null" : typeof answer}, which is no Response`);
  }
  const bytes = Response.bodyOf(answer).consume();
  const response = new OutgoingResponse(fieldsOf(answer.headers));
  response.setStatusCode(answer.status);
  return { response, bytes };
}

function fieldsOf(headers) {
  const fields = new Fields();
  for (const [name, value] of headers) {
    try {
      fields.append(name, bytesOfLatin1(value));
    } catch (error) {
      fields[Symbol.dispose]();
      throw new TypeError(`an answer can't have the header \`${name}\`: ${error.payload?.tag ?? error}`);
    }
  }
  return fields;
}

function arrived(request) {
  const method = request.method();
  const scheme = request.scheme()?.tag === "HTTPS" ? "https" : "http";
  const fields = request.headers();
  const headers = fields.entries().map(([name, value]) => [name, latin1(value)]);
  fields[Symbol.dispose]();
  return Request.arrived({
    url: `${scheme}://${request.authority() ?? "localhost"}${request.pathWithQuery() ?? "/"}`,
    method: method.tag === "other" ? method.val : method.tag.toUpperCase(),
    headers,
    read: () => readBody(request),
  });
}

function respond(out, { response, bytes }) {
  const body = response.body();
  ResponseOutparam.set(out, { tag: "ok", val: response });
  try {
    writeBody(body, bytes);
    OutgoingBody.finish(body, undefined);
  } catch {
    // A caller who has gone away is no error of ours.
  }
}
