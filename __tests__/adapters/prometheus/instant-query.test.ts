import assert from "node:assert/strict";
import test from "node:test";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { subquery } from "../../../src/adapters/prometheus/instant-query.ts";

const signal = new AbortController().signal;

/** A Prometheus that answers every query with this. */
const answering = (data: object) => ({
  network: {
    clock: nodeClock,
    transport: {
      send: async () => ({ status: 200, headers: {}, text: JSON.stringify({ status: "success", data }) }),
    },
  },
  url: "http://prometheus.test",
  headers: {},
  timeout: 1_000,
});

test("a step of a subquery whose value is no number is no step, and the others are", async () => {
  const metric = { pod: "one" };
  const values = ["5", "NaN", "+Inf", "7"].map((value, index) => [60 * index, value]);
  const series = await subquery(
    answering({ resultType: "matrix", result: [{ metric, values }] }),
    "a[1h:1m]",
    0,
    signal,
  );
  const numbers = new Map([
    [0, 5],
    [180_000, 7],
  ]);
  assert.deepEqual(series, [{ labels: metric, values: numbers }]);
});

test("a subquery that is answered with numbers of one moment has no answer", async () => {
  const vector = { resultType: "vector", result: [{ metric: {}, value: [1, "5"] }] };
  assert.deepEqual(await subquery(answering(vector), "a[1h:1m]", 0, signal), {
    because: "Prometheus answered a subquery with numbers of one moment",
    fault: "prometheus",
  });
});
