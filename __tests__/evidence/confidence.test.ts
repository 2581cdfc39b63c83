import assert from "node:assert/strict";
import test from "node:test";
import { ratioInterval, ratioScale } from "../../src/evidence/confidence.ts";
import { independent, type Pair, ratioEvidence } from "../../src/evidence/error-ratio.ts";
import { emptyMixture, grow, type Mixture } from "../../src/evidence/mixture.ts";
import { chance, poisson } from "../../src/rehearsal/chance.ts";
import { close } from "./close.ts";
import { add, average, div, mul, pow, quotient, type Real, real, spaced, sub, toNumber } from "./exact.ts";

type Interval = readonly [requests: Pair, failed: Pair];

const stages: readonly Interval[] = [
  [
    { canary: 100, stable: 1_900 },
    { canary: 1, stable: 2 },
  ],
  [
    { canary: 200, stable: 1_800 },
    { canary: 4, stable: 1 },
  ],
  [
    { canary: 500, stable: 1_500 },
    { canary: 9, stable: 3 },
  ],
];

const likelihood = (intervals: readonly Interval[]): Mixture =>
  intervals.reduce(
    (mixture, [requests, failed]) => grow(mixture, ratioEvidence(ratioScale, 1, requests, failed, independent)),
    emptyMixture(ratioScale.length),
  );

/** The likelihood of a ratio, as a plain product, relative to that of 1. */
const exactLikelihood = (intervals: readonly Interval[], ratio: Real): Real =>
  intervals
    .map(([requests, failed]) => {
      const [nc, ns] = [real(requests.canary), real(requests.stable)];
      return mul(
        pow(ratio, failed.canary),
        pow(div(add(ns, nc), add(ns, mul(ratio, nc))), failed.canary + failed.stable),
      );
    })
    .reduce(mul);

/** Where mixture / likelihood passes 1/α, between a ratio inside and one outside. */
function exactBound(intervals: readonly Interval[], inside: number, outside: number): number {
  const mixed = average(spaced(quotient(1, 100), real(100), 81).map((ratio) => exactLikelihood(intervals, ratio)));
  let [near, far] = [inside, outside];
  for (let step = 0; step < 50; step++) {
    const middle = (near + far) / 2;
    if (toNumber(sub(mul(exactLikelihood(intervals, real(middle)), real(20)), mixed)) > 0) near = middle;
    else far = middle;
  }
  return near;
}

test("the interval of the three reference stages is 2.84 to 84.8, its estimate 13.3, to nine digits of the definition", () => {
  const { low = 0, high = 0, estimate = 0 } = ratioInterval(likelihood(stages), 0.05);
  close(low, exactBound(stages, 13, 1));
  close(high, exactBound(stages, 13, 200));
  assert.equal(low.toFixed(2), "2.84");
  assert.equal(high.toFixed(1), "84.8");
  assert.equal(estimate.toFixed(1), "13.3");
});

test("a single poll of 19 failures among 95 and none among 905 is at least 19 times as many, without an upper bound", () => {
  const poll: Interval = [
    { canary: 95, stable: 905 },
    { canary: 19, stable: 0 },
  ];
  const interval = ratioInterval(likelihood([poll]), 0.05);
  close(interval.low ?? 0, exactBound([poll], 90, 1));
  assert.deepEqual([interval.high, interval.estimate], [undefined, undefined]);
});

test("without a failure every ratio is possible, and there is no estimate", () => {
  assert.deepEqual(ratioInterval(likelihood([]), 0.05), {
    low: undefined,
    high: undefined,
    estimate: undefined,
  });
});

test("many failures narrow the interval around the truth, down to what 81 points can tell apart", () => {
  const {
    low = 0,
    high = 0,
    estimate = 0,
  } = ratioInterval(
    likelihood([
      [
        { canary: 1_000_000, stable: 9_000_000 },
        { canary: 15_000, stable: 90_000 },
      ],
    ]),
    0.05,
  );
  close(estimate, 1.5, 1e-6);
  assert.ok(low > 1.4 && low < 1.5 && high > 1.5 && high < 1.6, `${low} to ${high}`);
});

test("the interval holds the true ratio at all looks together in at least 95 of 100 releases (500 releases, seed 20261121)", () => {
  const next = chance(20_261_121);
  let missed = 0;
  for (let release = 0; release < 500; release++) {
    const truth = release % 2 === 0 ? 1 : 3;
    let seen = emptyMixture(ratioScale.length);
    let outside = false;
    for (let poll = 0; poll < 60; poll++) {
      const requests = { canary: 75, stable: 675 };
      seen = grow(
        seen,
        ratioEvidence(
          ratioScale,
          1,
          requests,
          { canary: poisson(0.75 * truth, next), stable: poisson(6.75, next) },
          independent,
        ),
      );
      if (poll % 6 === 5) {
        const { low = 0, high = Infinity } = ratioInterval(seen, 0.05);
        outside ||= low > truth || high < truth;
      }
    }
    missed += outside ? 1 : 0;
  }
  assert.ok(missed <= 25, `${missed} of 500`);
  assert.ok(missed > 0, "an interval that never misses is wider than it says");
});
