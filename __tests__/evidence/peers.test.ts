import assert from "node:assert/strict";
import test from "node:test";
import { shift, standardised } from "../../scripts/bench/evidence/mann-whitney.ts";
import { argo, flagger, kayenta, type Limits } from "../../scripts/bench/evidence/peers.ts";
import { scenarios } from "../../scripts/bench/evidence/scenarios.ts";
import { between, quantile } from "../../scripts/bench/evidence/totals.ts";
import { tunedFor } from "../../scripts/bench/evidence/tuned.ts";
import { polls, type Release } from "../../scripts/bench/evidence/world.ts";

const within = (actual: number, expected: number, half: number): void =>
  assert.ok(Math.abs(actual - expected) <= half, `${actual} is not ${expected}`);
/** The normal distribution above z, by Simpson's rule. */
function upper(z = Number.NaN): number {
  const steps = 2_000;
  const width = (10 - z) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++)
    sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-((z + i * width) ** 2) / 2);
  return (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}
const twoSided = (z: number | undefined): number => 2 * upper(Math.abs(z ?? Number.NaN));

test("the rank test gives the p-values that R prints for `wilcox.test` in its documentation", () => {
  const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const early = [1.15, 0.88, 0.9, 0.74, 1.21];
  within(upper(standardised(term, early, false)), 0.1103, 0.00005); // alternative = "greater", exact = FALSE, correct = FALSE
  const may = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37];
  const august = [
    39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85,
  ];
  within(twoSided(standardised(may, august, true)), 0.0001208, 0.00000006); // Ozone ~ Month, with ties
});

test("the rank test gives the p-values that R prints for small samples with ties", () => {
  const x = [1, 5, 9, 24, 56, 21, 3, 7, 21, 4];
  within(twoSided(standardised(x, [12, 15, 5, 9, 9, 14, 56, 22, 3, 7, 32, 5], true)), 0.5966, 0.00005);
  within(twoSided(standardised(x, [1_233, 4_356, 987, 39_999, 1_111, 200_000], true)), 0.001364, 0.0000005);
});

test("the shift between two samples ends where the test of the shifted sample does", () => {
  const [x, y] = [
    [10, 20, 30, 40, 55, 61],
    [1, 2, 3, 4, 6, 9],
  ];
  const quantile = 1.959963984540054;
  const { low, high, estimate } = shift(x, y, quantile) ?? { low: 0, high: 0, estimate: 0 };
  const at = (mu: number): number =>
    standardised(
      x.map((value) => value - mu),
      y,
      true,
    ) ?? Number.NaN;
  assert.ok(at(low - 0.01) > quantile && at(low + 0.01) <= quantile);
  assert.ok(at(high + 0.01) < -quantile && at(high - 0.01) >= -quantile);
  const differences = x.flatMap((a) => y.map((b) => a - b)).sort((a, b) => a - b);
  within(estimate, ((differences[17] ?? 0) + (differences[18] ?? 0)) / 2, 1); // Hodges and Lehmann: the median of all differences
});

test("samples that are all tied have no statistic", () => {
  assert.equal(standardised([1, 1], [1, 1, 1], true), undefined);
  assert.equal(shift([1, 1], [1, 1], 2.3), undefined);
});

test("a quantile is read from buckets as Prometheus reads it", () => {
  const buckets = [
    { le: 100, count: 50 },
    { le: 200, count: 90 },
    { le: Infinity, count: 100 },
  ];
  assert.equal(quantile(buckets, 0.7), 150);
  assert.equal(quantile(buckets, 0.99), 200);
  assert.ok(Number.isNaN(quantile([{ le: Infinity, count: 0 }], 0.5)));
});

/** 20 minutes at 50 requests per second, with failures of the canary as given by minute. */
function release(canary: (minute: number) => { readonly requests: number; readonly errors: number }): Release {
  const one = (poll: number) => ({ ...canary(Math.floor(poll / 4)), buckets: [] });
  return {
    before: [],
    polls: Array.from({ length: polls }, (_, poll) => ({
      weight: 5,
      age: 0,
      from: 0,
      stable: { requests: 700, errors: 3 + (poll % 3), buckets: [] },
      canary: one(poll),
      lost: 0,
    })),
  };
}

const bad = { requests: 40, errors: 2 };
const good = { requests: 40, errors: 0 };
const none = { requests: 0, errors: 0 };
const usual = { failing: 0.005, p99: 100 };
const limits: Limits = {
  against: "a figure",
  allowed: "plus one point",
  slower: 2,
  range: 30,
  failures: 3,
  delay: 0,
};

test("Flagger rolls back at the tick after its last failed check, and not for a check without requests", () => {
  const judge = flagger(limits, usual);
  assert.deepEqual(judge(release(() => bad)), { end: "rolled back", at: 8 });
  assert.deepEqual(judge(release((minute) => (minute === 0 ? bad : good))), { end: "passed" });
  assert.deepEqual(judge(release((minute) => (minute % 2 === 0 ? bad : good))), { end: "rolled back", at: 12 });
  assert.deepEqual(judge(release(() => none)), { end: "passed" });
});

test("Argo ends the analysis with the first failure beyond its limit, after its delay", () => {
  assert.deepEqual(argo(limits, usual)(release(() => bad)), { end: "rolled back", at: 8 });
  assert.deepEqual(argo({ ...limits, failures: 1 }, usual)(release(() => bad)), { end: "rolled back", at: 4 });
  assert.deepEqual(argo({ ...limits, delay: 120 }, usual)(release(() => bad)), { end: "rolled back", at: 16 });
  assert.deepEqual(argo({ ...limits, range: 300 }, usual)(release((minute) => (minute === 0 ? bad : good))), {
    end: "rolled back",
    at: 8,
  });
  assert.deepEqual(argo(limits, usual)(release(() => none)), { end: "passed" });
});

test("a limit by query is what stable has in the same range", () => {
  const against = { ...limits, against: "stable" } as const;
  const tenths = release(() => ({ requests: 700, errors: 4 }));
  const worse = release(() => ({ requests: 700, errors: 14 }));
  assert.deepEqual(argo({ ...against, allowed: "twice" }, usual)(tenths), { end: "passed" });
  assert.deepEqual(argo({ ...against, allowed: "twice" }, usual)(worse), { end: "rolled back", at: 8 });
  assert.deepEqual(argo(against, { ...usual, failing: 0 })(worse), { end: "rolled back", at: 8 });
});

test("the Kayenta-style judge sees a canary that fails in every minute at the end of the first stage, and none that equals stable", () => {
  const judge = kayenta({ step: 60, judged: 300, increase: 1, delay: 0 });
  assert.deepEqual(judge(release((minute) => ({ requests: 40, errors: 4 + (minute % 2) }))), {
    end: "rolled back",
    at: 20,
  });
  const same = release(() => ({ requests: 700, errors: 3 }));
  assert.deepEqual(judge({ ...same, polls: same.polls.map((poll) => ({ ...poll, canary: poll.stable })) }), {
    end: "passed",
  });
});

test("a window is what was counted in it", () => {
  const counted = between(
    release((minute) => ({ requests: 10 + minute, errors: minute })),
    2,
    6,
  );
  assert.deepEqual(counted.canary, { requests: 42, errors: 2, buckets: [] });
  assert.deepEqual(
    between(
      release(() => good),
      -18,
      2,
    ).canary,
    { requests: 80, errors: 0, buckets: [] },
  );
});

test("each service has a quiet day with a healthy canary, by which peers are set to blame few of such releases", () => {
  for (const service of new Set(scenarios.map((one) => one.service)))
    assert.equal(scenarios.find((one) => one.service === service)?.right, "keep", service);
  const tuned = tunedFor("0.5%", 1, 100);
  assert.deepEqual(
    tuned.map(({ tool, blamed }) => [tool, blamed <= 0.05]),
    [
      ["Flagger", true],
      ["Argo", true],
      ["Kayenta-style", true],
    ],
  );
});
