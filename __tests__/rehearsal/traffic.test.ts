import assert from "node:assert/strict";
import test from "node:test";
import type { Tally } from "../../src/evidence/tally.ts";
import { trafficOf } from "../../src/rehearsal/detection.ts";

const tally = (stable: number, errors: number, canary: number): Tally => ({
  stable: { requests: stable, errors, buckets: [] },
  canary: { requests: canary, errors: canary, buckets: [] },
  unattributed: { requests: 7, errors: 7, buckets: [] },
});

test("traffic is both versions' requests per second and the part of stable's that fails", () => {
  assert.deepEqual(trafficOf(tally(6_000, 30, 1_200), 3_600_000), { rate: 2, baseline: 0.005 });
});

test("a service that never failed has a baseline of zero", () => {
  assert.deepEqual(trafficOf(tally(3_600, 0, 0), 3_600_000), { rate: 1, baseline: 0 });
});

test("without a request of stable nobody knows how often it fails", () => {
  assert.equal(trafficOf(tally(0, 0, 50), 60_000), undefined);
});
