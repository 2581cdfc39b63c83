import assert from "node:assert/strict";
import test from "node:test";
import { metricsByTarget } from "../../../src/adapters/prometheus/metrics-by-target.ts";
import { istioMetrics } from "../../../src/istio/istio-metrics.ts";
import { noMetrics } from "../../../src/ports/no-metrics.ts";
import { handClock } from "../../support/clock.ts";
import { shopTarget } from "../../support/shop-target.ts";

const network = { clock: handClock(), transport: { send: () => assert.fail("nobody is asked") } };
const options = {
  ...istioMetrics,
  network,
  url: "http://prometheus.example",
  headers: {},
  reporter: "auto",
  interval: 15_000,
  timeout: 5_000,
} as const;
const exchanged = { ...shopTarget, stable: shopTarget.canary, canary: shopTarget.stable };

test("the same two versions are counted by one, whatever else their target says", () => {
  const metrics = metricsByTarget(options);
  assert.equal(metrics(shopTarget), metrics({ ...shopTarget, image: "registry.test/reviews:v3" }));
});

test("other versions are counted by others: another stable, another canary, and exchanged roles", () => {
  const metrics = metricsByTarget(options);
  const other = { deployment: "reviews-v9", host: "reviews", subset: "v9" };
  for (const target of [exchanged, { ...shopTarget, stable: other }, { ...shopTarget, canary: other }])
    assert.notEqual(metrics(shopTarget), metrics(target));
});

test("without a Prometheus there is nothing that counts", () => {
  assert.equal(metricsByTarget(undefined)(shopTarget), noMetrics);
});
