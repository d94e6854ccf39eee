// Request, after the Fetch Standard as far as a component can be sent one or send one.

import { Body, readable } from "./body.js";
import { Headers } from "./headers.js";

const NORMAL = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];

export class Request {
  #url;
  #body;

  constructor(input, init = {}) {
    const from = input instanceof Request ? input : undefined;
    this.#url = new URL(from ? from.url : String(input)).href;
    this.method = checkedMethod(init.method ?? from?.method ?? "GET");
    this.headers = new Headers(init.headers ?? from?.headers);
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.#body = from && init.body === undefined ? from.#body.copy() : new Body();
    const type = this.#body.take(init.body);
    if (this.#body.has && (this.method === "GET" || this.method === "HEAD") && init.body !== undefined && init.body !== null) {
      throw new TypeError("Request with GET/HEAD method cannot have body.");
    }
    if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get url() {
    return this.#url;
  }

  clone() {
    return new Request(this);
  }

  /** The body, for who sends the request. */
  static bodyOf(request) {
    return request.#body;
  }

  /** A request as it came: its body is read when it is asked for, whatever the method. */
  static arrived({ url, method, headers, read }) {
    const request = new Request(url, { method: FORBIDDEN.includes(method) ? "GET" : method, headers });
    request.method = method;
    request.#body.take(read);
    return request;
  }
}

readable(Request, Request.bodyOf);

function checkedMethod(method) {
  const text = String(method);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) throw new TypeError(`'${text}' is not a valid HTTP method.`);
  const upper = text.toUpperCase();
  if (FORBIDDEN.includes(upper)) throw new TypeError(`'${text}' HTTP method is unsupported.`);
  return NORMAL.includes(upper) ? upper : text;
}
