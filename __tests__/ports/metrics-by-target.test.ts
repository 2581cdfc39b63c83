import assert from "node:assert/strict";
import test from "node:test";
import { metricsByTarget } from "../../src/ports/metrics-by-target.ts";
import { noMetrics } from "../../src/ports/no-metrics.ts";
import { shopTarget } from "../support/shop-target.ts";

const made = () => metricsByTarget(() => ({ ...noMetrics }));
const exchanged = { ...shopTarget, stable: shopTarget.canary, canary: shopTarget.stable };

test("the same two versions are counted by one, whatever else their target says", () => {
  const metrics = made();
  assert.equal(metrics(shopTarget), metrics({ ...shopTarget, image: "registry.test/reviews:v3" }));
});

test("other versions are counted by others: another stable, another canary, and exchanged roles", () => {
  const metrics = made();
  const other = { deployment: "reviews-v9", host: "reviews", subset: "v9" };
  for (const target of [exchanged, { ...shopTarget, stable: other }, { ...shopTarget, canary: other }])
    assert.notEqual(metrics(shopTarget), metrics(target));
});
