// The runtime's URL beside node's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { URL as OwnURL, URLSearchParams as OwnParams } from "#airssys/runtime/url.js";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

const URLS = [
  ["http://example.com"], ["https://user:pa%20ss@Example.COM:443/a/../b/./c?x=1#y"], ["http://[::1]:8080/"], ["http://[1:0:0:2::]/"],
  ["http://0x7f.1/"], ["http://192.168.257"], ["http://1.2.3.4.5/"], ["http://münchen.de/ä?ö#ü"], ["http://日本語.jp"], ["HTTP:\\\\a\\b"],
  ["http://a b/"], ["http://a:99999/"], ["http://a:/"], ["http://"], ["http://a%41.com"], ["mailto:a@b.c"], ["data:text/plain,hi there"],
  ["file:///c:/x/../y"], ["javascript:alert(1)"], ["http://a/?q='\"<>`{}|^"], ["http://a/%7Efoo/%zz"], ["foo://host/p?q"], ["foo:/a/../b"],
  ["http://a/b c\td\n"], ["http://a/?a=b&c=%20+"], ["//x/y", "http://a/b"], ["../c?d", "http://a/b/e/f?g#h"], ["?z", "http://a/b?c#d"],
  ["#z", "http://a/b?c#d"], ["", "http://a/b?c#d"], ["/x", "https://u:p@a:1/b"], ["http:c", "http://a/b/d"], ["x"], ["..", "http://a/"],
  ["http://a/.%2e/%2e/b"], ["http://user@/x"], ["http://a@b@c/"], ["ws://a:80/"], ["http://a..b/"], ["http://a.b./"], ["http://%/"],
  ["http://[::ffff:1.2.3.4]/"], ["http://[::1"], ["\u0000 http://a/ "], ["http://a/?#"], ["http://a#"], ["ftp://a:21/"], ["/p", "mailto:a"],
];

const tried = (Type, given) => {
  try {
    const url = new Type(...given);
    return Object.fromEntries(PARTS.map((part) => [part, url[part]]));
  } catch (error) {
    return error.name;
  }
};

for (const given of URLS) {
  test(`${JSON.stringify(given)} has the same parts`, () => assert.deepEqual(tried(OwnURL, given), tried(URL, given)));
}

test("what is set is seen as in node", () => {
  const sets = [["hash", "x y"], ["search", "a=b c"], ["pathname", "/a b/../c"], ["port", "81"], ["port", "80"], ["host", "b.c:9"], ["hostname", "d"], ["protocol", "https"], ["username", "ü"]];
  for (const [part, value] of sets) {
    const [own, native] = [new OwnURL("http://u:p@a:1/b?c#d"), new URL("http://u:p@a:1/b?c#d")];
    own[part] = value;
    native[part] = value;
    assert.equal(own.href, native.href, part);
  }
});

test("parameters are read, changed and written as in node", () => {
  for (const init of ["?a=1&b=2&a=3", "a=%C3%A9&b=%zz&c=+%2B", { x: "1 2", y: "é&=" }, [["k", "v"], ["k", "w"]], "a&=b&&"]) {
    assert.equal(String(new OwnParams(init)), String(new URLSearchParams(init)));
    assert.deepEqual([...new OwnParams(init)], [...new URLSearchParams(init)]);
  }
  const [own, native] = [new OwnURL("http://a/?b=1&c=2&b=3"), new URL("http://a/?b=1&c=2&b=3")];
  for (const { searchParams } of [own, native]) {
    searchParams.append("d", "~!*()' ");
    searchParams.set("b", "x");
    searchParams.delete("c");
    searchParams.sort();
  }
  assert.equal(own.href, native.href);
});
