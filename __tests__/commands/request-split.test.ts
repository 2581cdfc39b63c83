import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { requestSplit } from "../../src/commands/request-split.ts";
import { listening } from "../support/listening.ts";
import { shopTarget } from "../support/shop-target.ts";
import { startTunnel } from "../support/tunnel.ts";

for (const [what, text] of [
  ["answers name a version", "reviews-v1"],
  ["no answer names a version", "hello"],
] as const)
  test(`where requests went is told without the secrets of the URL when ${what}`, async (t) => {
    const asked: (string | undefined)[] = [];
    const place = await listening(
      t,
      createServer(({ url }, response) => {
        asked.push(url);
        response.end(text);
      }),
    );
    const url = `${place.replace("http://", "http://ada:S3CRET@")}/reviews?token=S3CRET`;
    const split = await requestSplit({ url, requests: 2, headers: {}, window: 0 }, shopTarget, nodeWorld());
    assert.deepEqual(asked, ["/reviews?token=S3CRET", "/reviews?token=S3CRET"]);
    assert.match(JSON.stringify(split), new RegExp(`2 requests (were sent )?to ${place}/reviews[":]`));
  });

test("requests go the way that the environment names, as curl's would", async (t) => {
  const place = await listening(
    t,
    createServer((_, response) => void response.end("reviews-v1")),
  );
  const { url: proxy, targets } = await startTunnel(t, { "shop.example:80": place });
  const asked = { url: "http://shop.example/", requests: 1, headers: {}, window: 0 };
  const split = await requestSplit(
    asked,
    shopTarget,
    nodeWorld(() => proxy),
  );
  assert.deepEqual([...targets], ["shop.example:80"]);
  assert.equal("stable" in split && split.stable, 1);
});
