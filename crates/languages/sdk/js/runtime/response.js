// Response, after the Fetch Standard as far as a component can answer one or be answered one.

import { Body, readable } from "./body.js";
import { Headers } from "./headers.js";

const NO_BODY = [101, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];

export class Response {
  #body = new Body();
  #url = "";

  constructor(body, { status = 200, statusText = "", headers } = {}) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    }
    this.status = status;
    this.statusText = String(statusText);
    this.headers = new Headers(headers);
    if (body !== undefined && body !== null && NO_BODY.includes(status)) {
      throw new TypeError(`Response constructor: Invalid response status code ${status}`);
    }
    const type = this.#body.take(body);
    if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  get url() {
    return this.#url;
  }

  get redirected() {
    return this.#redirected;
  }

  #redirected = false;

  get type() {
    return "default";
  }

  clone() {
    const { status, statusText, headers } = this;
    const other = new Response(null, { status, statusText, headers });
    other.#body = this.#body.copy();
    other.#url = this.#url;
    return other;
  }

  static json(value, init = {}) {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError("Value is not JSON serializable");
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(text, { ...init, headers });
  }

  static redirect(url, status = 302) {
    if (!REDIRECTS.includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new Response(null, { status, headers: { location: new URL(url).href } });
  }

  /** The body, for who sends the response. */
  static bodyOf(response) {
    return response.#body;
  }

  /** A response as it came from there. */
  static arrived({ url, redirected, status, headers, read }) {
    const response = new Response(null, { status: status < 200 ? 200 : status, headers });
    response.status = status;
    response.#url = url;
    response.#redirected = redirected;
    response.#body.take(read);
    return response;
  }
}

readable(Response, Response.bodyOf);
