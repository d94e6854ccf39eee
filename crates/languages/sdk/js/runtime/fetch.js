// fetch, by the host's outbound HTTP. It blocks until the response has begun: an instance does one thing at a time.

import { send } from "#host/http.js";
import { Request } from "./request.js";
import { Response } from "./response.js";

const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

export function fetch(input, init) {
  return new Promise((resolve) => resolve(follow(new Request(input, init))));
}

function follow(request) {
  let { url, method } = request;
  let body = Request.bodyOf(request).has ? Request.bodyOf(request).consume() : undefined;
  const headers = [...request.headers];
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const answer = send({ url: new URL(url), method, headers, body });
    const response = Response.arrived({ ...answer, url, redirected: hops > 0 });
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null || request.redirect === "manual") return response;
    if (request.redirect === "error") throw new TypeError(`${url} redirects, which the request forbids`);
    const next = new URL(location, url);
    if (becomesGet(response.status, method)) {
      method = "GET";
      body = undefined;
    }
    // What one origin is trusted with is not another's to see.
    const dropped = next.origin === new URL(url).origin ? [] : ["authorization", "cookie"];
    if (body === undefined) dropped.push("content-type", "content-length");
    for (const name of dropped) removeFrom(headers, name);
    url = next.href;
  }
  throw new TypeError(`more than ${MOST_REDIRECTS} redirects`);
}

function becomesGet(status, method) {
  if (status === 303) return method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function removeFrom(headers, name) {
  for (let at = headers.length - 1; at >= 0; at--) if (headers[at][0] === name) headers.splice(at, 1);
}
