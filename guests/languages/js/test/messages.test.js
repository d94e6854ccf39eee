// Headers, Request, Response and structuredClone of the runtime beside node's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { structuredClone as ownClone } from "#airssys/runtime/clone.js";
import { Headers as OwnHeaders } from "#airssys/runtime/headers.js";
import { Request as OwnRequest } from "#airssys/runtime/request.js";
import { Response as OwnResponse } from "#airssys/runtime/response.js";

const tried = async (work) => {
  try {
    return await work();
  } catch (error) {
    return error.name;
  }
};

const same = (name, work, own, native) => test(name, async () => assert.deepEqual(await tried(() => work(own)), await tried(() => work(native))));

same("headers are listed alike", (H) => {
  const headers = new H({ "X-B": " 1 ", a: "2" });
  headers.append("x-b", "3");
  headers.append("Set-Cookie", "a=1");
  headers.append("set-cookie", "b=2");
  return [[...headers], headers.get("X-b"), headers.getSetCookie(), headers.has("none"), headers.get("none")];
}, OwnHeaders, Headers);
for (const [name, value] of [["a b", "1"], ["a", "1\n2"], ["a", "漢"]]) {
  same(`the header ${JSON.stringify([name, value])}`, (H) => [...new H([[name, value]])], OwnHeaders, Headers);
}

for (const [body, init] of [["é", {}], [null, { status: 204 }], ["x", { status: 204 }], [new Uint8Array([1, 255]), {}], [new URLSearchParams({ a: "b c" }), {}], ["", { status: 99 }], [undefined, { headers: { a: "b" } }]]) {
  same(`the response ${String(body)} ${JSON.stringify(init)}`, async (R) => {
    const response = new R(body, init);
    return [response.status, response.ok, [...response.headers], await response.clone().text(), await response.text(), response.bodyUsed];
  }, OwnResponse, Response);
}
same("a body is read once", async (R) => {
  const response = new R("x");
  await response.text();
  await response.text();
}, OwnResponse, Response);
same("JSON is answered", async (R) => {
  const response = R.json({ a: [1] }, { status: 201 });
  return [response.status, [...response.headers], await response.json()];
}, OwnResponse, Response);

for (const [url, init] of [["http://a/b", {}], ["http://a/", { method: "post", body: "x" }], ["http://a/", { method: "GET", body: "x" }], ["/x", {}], ["http://a/", { method: "TRACE" }], ["http://a/", { method: "patch" }]]) {
  same(`the request ${url} ${JSON.stringify(init)}`, async (R) => {
    const request = new R(url, init);
    return [request.url, request.method, [...request.headers], await request.text()];
  }, OwnRequest, Request);
}

const loop = { name: "loop" };
loop.self = loop;
for (const value of [1, "x", null, [1, , 3], { a: { b: 1 } }, new Date(5), /x/gi, new Map([[1, { a: 2 }]]), new Set([1]), new Uint8Array([1, 2]).subarray(1), new TypeError("t"), loop, () => {}, { s: Symbol("s") }, 10n]) {
  same(`a clone of ${String(Object.prototype.toString.call(value))}`, (clone) => clone(value), ownClone, structuredClone);
}
