import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { forward } from "../src/forward";

// A receiver that answers with the status that is its path, and with what it was sent where that has a body.
const receiver = createServer((request, response) => {
  response.statusCode = Number(request.url!.slice(1));
  request.pipe(response);
});
before(() => new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening)));
after(() => receiver.close());

const webhook = new Request("http://localhost/", { method: "POST", headers: { "content-type": "application/json" } });

for (const [status, text] of [[200, "paid"], [422, "paid"], [500, "paid"], [204, ""], [205, ""], [304, ""]] as const) {
  test(`the receiver's ${status} is the answer`, async () => {
    const { port } = receiver.address() as AddressInfo;
    const answer = await forward(`http://127.0.0.1:${port}/${status}`, webhook, new TextEncoder().encode("paid"));
    assert.deepEqual([answer.status, await answer.text()], [status, text]);
  });
}
