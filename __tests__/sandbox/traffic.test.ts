import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { startTraffic, type TrafficOptions } from "../../sandbox/traffic.ts";
import { until } from "../support/cluster.ts";

type Answered = { readonly status: number; readonly version: string };

/** Customers of a server that answers the first request with the first answer, and so on; the last one goes on for ever. */
async function customersOf(t: TestContext, answers: readonly Answered[], options: Partial<TrafficOptions> = {}) {
  let asked = 0;
  const hosts = new Set<string | undefined>();
  const server = createServer(({ headers }, response) => {
    const { status, version } = answers[Math.min(asked, answers.length - 1)] ?? { status: 500, version: "" };
    asked += 1;
    hosts.add(headers.host);
    response.writeHead(status).end(JSON.stringify({ version }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const traffic = startTraffic({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    host: "reviews.shop",
    rate: 200,
    ...options,
  });
  t.after(async () => {
    await traffic.stop();
    server.close();
  });
  return { traffic, server, hosts, asked: () => asked };
}

const v1 = { status: 200, version: "v1" };
const v2 = { status: 200, version: "v2" };

test("customers count every answer for its version, and 5xx as bad", async (t) => {
  const { traffic, asked, hosts } = await customersOf(
    t,
    [v1, v1, v2, { status: 503, version: "v2" }, { status: 404, version: "v1" }],
    { most: 5 },
  );
  const { firstBad, lastBad, ...counts } = await until(
    "five requests ended",
    traffic.counts,
    ({ requests }) => requests === 5,
  );
  assert.deepEqual(counts, { requests: 5, bad: 1, byVersion: { v1: 3, v2: 2 } });
  assert.ok(firstBad !== undefined && firstBad === lastBad);
  assert.equal(asked(), 5);
  assert.deepEqual([...hosts], ["reviews.shop"]);
});

test("a request counts for the lap in which it was sent, and a lap is whole when all of it has ended", async (t) => {
  const { traffic, asked } = await customersOf(t, [v1]);
  await until("some requests ended", traffic.counts, ({ requests }) => requests >= 3);
  const first = await traffic.lap();
  await until("some more ended", traffic.counts, ({ requests }) => requests >= 3);
  const second = await traffic.lap();
  await traffic.stop();
  assert.equal(first.requests + second.requests + traffic.counts().requests, asked());
});

test("a server that is away gives bad answers of nobody", async (t) => {
  const { traffic, server } = await customersOf(t, [v1]);
  server.close();
  server.closeAllConnections();
  await traffic.lap();
  const { requests, bad, byVersion } = await until(
    "some requests ended",
    traffic.counts,
    ({ requests }) => requests >= 3,
  );
  assert.deepEqual({ bad, byVersion }, { bad: requests, byVersion: { none: requests } });
});

test("at a rate of 0 nobody comes", async (t) => {
  const { traffic, asked } = await customersOf(t, [v1], { rate: 0 });
  await traffic.stop();
  assert.equal(asked(), 0);
});
