import assert from "node:assert/strict";
import test from "node:test";
import { request } from "undici";
import { startGateway } from "../../sandbox/mesh/gateway.ts";
import { podRunner } from "../../sandbox/mesh/pod-runner.ts";
import { startPrometheus } from "../../sandbox/prometheus/server.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { prometheus } from "../../src/adapters/prometheus/prometheus.ts";
import { istioMetrics } from "../../src/istio/istio-metrics.ts";
import { destinationRule, pod, service, to, virtualService } from "../support/mesh-objects.ts";
import { planWith } from "../support/plan-with.ts";
import { shopTarget } from "../support/shop-target.ts";

test("every request through the sandbox's gateway is counted for its version by way of the sandbox's Prometheus", async (t) => {
  const runner = podRunner();
  const images = { v1: "reviews:v1", v2: "reviews:v2-err20" };
  const pods = await Promise.all(
    Object.entries(images).map(async ([version, image]) =>
      pod(`reviews-${version}`, version, {
        image,
        ...(await runner.start(pod(`reviews-${version}`, version, { image }))),
      }),
    ),
  );
  const objects = {
    virtualServices: [virtualService([{ route: [to("v1", 50), to("v2", 50)] }])],
    destinationRules: [destinationRule()],
    services: [service("reviews")],
    pods,
  };
  const gateway = await startGateway({ read: () => objects, addressOf: runner.addressOf });
  const server = await startPrometheus({
    targets: [{ url: gateway.metricsUrl, labels: { pod: "gateway-1" } }],
    interval: 3_600_000,
  });
  t.after(() => Promise.all([server.close(), gateway.close(), runner.close()]));
  const source = prometheus({
    network: nodeWorld(),
    url: server.url,
    headers: {},
    timeout: 2_000,
    ...istioMetrics,
    reporter: "auto",
    interval: 1_000,
    target: shopTarget,
  });

  const begun = Date.now();
  const answers = { stable: 0, canary: 0, errors: 0 };
  for (let n = 0; n < 100; n++) {
    const { statusCode, headers, body } = await request(gateway.url, { headers: { host: "reviews" } });
    await body.dump();
    answers[String(headers["x-pod"]).startsWith("reviews-v1") ? "stable" : "canary"] += 1;
    answers.errors += Number(statusCode === 500);
  }
  await server.scrape();
  const signal = new AbortController().signal;
  const at = Date.now();
  const tally = await source.traffic(at, at - begun, signal);
  assert.ok(!("because" in tally));
  assert.deepEqual(
    [tally.stable.requests, tally.stable.errors, tally.canary.requests, tally.canary.errors],
    [answers.stable, 0, answers.canary, answers.errors],
  );
  assert.equal(tally.canary.buckets.at(-1)?.count, answers.canary);
  assert.ok(answers.errors > 0 && answers.stable > 0);
  assert.deepEqual(
    (await source.inspect(planWith([], 1_000), at, signal)).map(({ level, what }) => `${level}: ${what}`),
    [
      "note: Requests of shop/reviews-v1 are read from Prometheus with reporter=source: callers alone see the requests that reach no pod. Found: 1 series of 1 proxy; response codes 200; response times as a histogram.",
    ],
  );
});
