import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { requestSplit } from "../../src/commands/request-split.ts";
import type { HttpAnswer } from "../../src/world/transport.ts";
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

const v1: Readonly<Record<string, string>> = { "x-version": "reviews-v1" };

for (const [what, versionFrom, answer, version] of [
  ["a part of the body, as a pod's name", undefined, { text: "I am reviews-v2-7d4f-x2x" }, "canary"],
  ["its subset alone", undefined, { text: "v1" }, "stable"],
  ["the longer of two names", undefined, { text: "reviews-v1-next" }, "canary"],
  ["a header, and not the body", { header: "X-Version" }, { headers: v1, text: "reviews-v2" }, "stable"],
  ["no such header", { header: "x-other" }, { headers: v1, text: "reviews-v2" }, undefined],
  ["a field of a JSON body", { json: "app.version" }, { text: '{"app":{"version":"v2"},"of":"v1"}' }, "canary"],
  ["no such field", { json: "app.version" }, { text: '{"of":"v1"}' }, undefined],
  ["an object where the name should be", { json: "app" }, { text: '{"app":{"of":"v1"}}' }, undefined],
  ["a body that is no JSON", { json: "app" }, { text: "v1" }, undefined],
] as const)
  test(`an answer tells its version by ${what}`, async () => {
    const { stable, canary } = shopTarget;
    const deployment = what === "the longer of two names" ? "reviews-v1-next" : canary.deployment;
    const split = await requestSplit(
      { url: "http://shop.test/", requests: 2, headers: {}, window: 0, versionFrom },
      { ...shopTarget, stable, canary: { ...canary, deployment } },
      { ...nodeWorld(), transport: { send: async () => ({ status: 200, headers: {}, ...answer }) } },
    );
    if (version === undefined) assert.match("because" in split ? split.because : "", /no answer names reviews-v1 or/);
    else assert.equal("from" in split && split[version], 2);
  });

test("one answer without a version is counted as that, and a request without an answer by why", async () => {
  const texts = ["reviews-v2", "hello"];
  const network = (send: () => Promise<HttpAnswer>) => ({ ...nodeWorld(), transport: { send } });
  const asked = { url: "http://shop.test/", requests: 2, headers: {}, window: 0 };
  assert.deepEqual(
    await requestSplit(
      asked,
      shopTarget,
      network(async () => ({ status: 200, headers: {}, text: texts.pop() ?? "" })),
    ),
    { stable: 0, canary: 1, neither: 1, from: "2 requests to http://shop.test" },
  );
  const refused = await requestSplit(
    asked,
    shopTarget,
    network(() => Promise.reject(new Error("no route to host"))),
  );
  assert.match("because" in refused ? refused.because : "", /2 requests were sent .*: no route to host$/);
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
