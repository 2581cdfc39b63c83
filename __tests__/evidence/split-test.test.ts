import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { defaults } from "../../src/evidence/defaults.ts";
import { logChoose, logSumExp } from "../../src/evidence/numerics.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import { countSplit, emptySplit, type SplitCount, shareAbove, splitEvidence } from "../../src/evidence/split-test.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { close } from "./close.ts";
import { average, div, ln, mul, pow, quotient, type Real, real, rising, sub, toNumber } from "./exact.ts";

/** B(κw + n, κ(1−w) + m) / B(κw, κ(1−w)) / (w^n (1−w)^m), with stakes on both sides: a product of n + m factors. */
function twoSided(share: Real, inside: number, outside: number, strength: number): Real {
  const rest = sub(real(1), share);
  const beta = div(
    mul(rising(mul(real(strength), share), inside), rising(mul(real(strength), rest), outside)),
    rising(real(strength), inside + outside),
  );
  return div(div(beta, pow(share, inside)), pow(rest, outside));
}

/** ∫ over the shares above the limit of prior × likelihood ratio, by Simpson's rule: the definition of the one-sided stakes. */
function integrated(limit: number, inside: number, outside: number): number {
  const steps = 40_000;
  const halves = [100, 10_000].map((strength) => {
    const [a, b] = [strength * limit, strength * (1 - limit)];
    const weights: number[] = [];
    const stakes: number[] = [];
    for (let i = 0; i <= steps; i++) {
      const p = limit + ((1 - limit) * i) / steps;
      if (p >= 1) continue;
      const simpson = Math.log(i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
      const prior = simpson + (a - 1) * Math.log(p / limit) + (b - 1) * Math.log((1 - p) / (1 - limit));
      weights.push(prior);
      stakes.push(prior + inside * Math.log(p / limit) + outside * Math.log((1 - p) / (1 - limit)));
    }
    return logSumExp(stakes) - logSumExp(weights);
  });
  return logSumExp(halves) - Math.log(2);
}

test("5,500 of 100,000 requests at a plan of 5% weigh about 22, with stakes on both sides as derived", () => {
  const exact = average([100, 10_000].map((strength) => twoSided(quotient(1, 20), 5_500, 94_500, strength)));
  assert.ok(Math.abs(toNumber(ln(exact)) - 22.00496) < 1e-5);
  assert.ok(Math.abs(shareAbove(0.05, 5_500, 94_500) - 22.76) < 0.01); // twice as much, since nothing is staked on the other side
});

test("the one-sided stakes are the integral that defines them", () => {
  for (const [limit, inside, outside] of [
    [0.05, 70, 900],
    [0.25, 300, 700],
    [0.5, 480, 520],
    [0.06, 3, 400],
    [0.94, 400, 3],
    [0.06, 90, 910],
  ] as const) {
    close(shareAbove(limit, inside, outside), integrated(limit, inside, outside), 1e-6);
  }
});

/** By mpmath 1.3 with 40 digits: the integrals by Gauss and Legendre's rule, the first three by its `betainc` as well. */
const golden: readonly (readonly [limit: number, inside: number, outside: number, logE: number])[] = [
  [0.06, 5, 75, -0.1052359409326988],
  [0.06, 60, 940, -0.45066558854247613],
  [0.12, 300, 700, 104.7957965433738],
  [0.6, 0, 40, -0.8495955422202093],
  [0.048, 2_000, 38_000, 0.6873344215866005],
  [0.95, 900, 20, 7.587107609555616],
  [0.108, 25_000, 150_000, 1_009.291117463965],
];
for (const [limit, inside, outside, logE] of golden)
  test(`${inside} inside and ${outside} outside of a limit of ${limit} weigh what 40 digits say`, () =>
    close(shareAbove(limit, inside, outside), logE, 1e-10));

test("every bet is fair at the limit and loses on average below it, for stakes above it", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.02, max: 0.98, noNaN: true }),
      fc.integer({ min: 1, max: 40 }),
      (limit, requests) => {
        const expected = (share: number): number =>
          Array.from({ length: requests + 1 }, (_, n) =>
            Math.exp(
              logChoose(requests, n) +
                n * Math.log(share) +
                (requests - n) * Math.log1p(-share) +
                shareAbove(limit, n, requests - n),
            ),
          ).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(expected(limit) - 1) < 1e-9, `${expected(limit)}`);
        assert.ok(expected(limit * 0.9) < 1);
      },
    ),
    { numRuns: 60 },
  );
});

const at = (
  weight: number,
  polls: number,
  canary: number,
  stable: number,
  from: SplitCount = emptySplit,
): SplitCount => {
  let split = from;
  for (let poll = 0; poll < polls; poll++)
    split = countSplit(split, pollAt(weight, (poll + 1) * 15_000, canary, stable), defaults);
  return split;
};
const pollAt = (weight: number, age: number, canary: number, stable: number, lost = 0): Poll => ({
  weight,
  age,
  from: age - 15_000,
  canary: counted(canary),
  stable: counted(stable),
  lost,
});
const counted = (requests: number): Count => ({ requests, errors: 0, buckets: [] });
const proven = Math.log(1_000);

test("a split as planned, and one within the tolerance, proves nothing", () => {
  for (const canary of [48, 50, 41, 59]) {
    const { more, less } = splitEvidence(at(5, 200, canary, 1_000 - canary), { tolerance: 0.2 });
    assert.ok(more < 0 && less < 0);
  }
});

test("twice the planned traffic and half of it are proven, each on its own side", () => {
  const twice = splitEvidence(at(5, 4, 100, 900), { tolerance: 0.2 });
  assert.ok(twice.more > proven && twice.less < 0);
  const half = splitEvidence(at(5, 5, 25, 975), { tolerance: 0.2 });
  assert.ok(half.less > proven && half.more < 0);
});

test("what may have been served at the old weight is left out: the first poll, and those that reach back to before it", () => {
  assert.deepEqual(at(50, 1, 5, 995).requests, { stable: 0, canary: 0 });
  assert.deepEqual(at(50, 2, 500, 500).requests, { stable: 500, canary: 500 });
  const often = [0, 1, 5, 10, 14, 15, 20].map((seconds) => pollAt(50, 15_000 + seconds * 1_000, 500, 500));
  const split = often.reduce((before, poll) => countSplit(before, poll, defaults), emptySplit);
  assert.deepEqual([split.requests, split.from], [{ stable: 1_000, canary: 1_000 }, 15_000]);
});

test("a poll with one process that was not scraped since the old weight is left out, however late it comes", () => {
  const late = [15, 30, 60, 75, 90].map((seconds) => pollAt(50, seconds * 1_000, 100, 100));
  const reaching = late.map((poll, index) => ({ ...poll, from: index < 4 ? 10_000 : 75_000 }));
  const split = reaching.reduce((before, poll) => countSplit(before, poll, defaults), emptySplit);
  assert.deepEqual([split.requests, split.from], [{ stable: 100, canary: 100 }, 75_000]);
});

test("a poll that counted nothing does not begin the count", () => {
  const polls = [15, 30, 60].map((seconds) => pollAt(50, seconds * 1_000, seconds > 30 ? 100 : 0, 0));
  assert.equal(polls.reduce((split, poll) => countSplit(split, poll, defaults), emptySplit).from, 45_000);
});

test("failures that reached no pod are requests that the canary did not get", () => {
  const polls = [15, 30, 45].map((seconds) => pollAt(10, seconds * 1_000, 0, 90, 10));
  const split = polls.reduce((before, poll) => countSplit(before, poll, defaults), emptySplit);
  assert.deepEqual([split.requests, split.lost], [{ stable: 200, canary: 0 }, 20]);
});

test("what earlier weights proved is kept, and a stage as planned costs little of it", () => {
  const wrong = at(10, 5, 300, 700);
  const { more } = splitEvidence(wrong, { tolerance: 0.2 });
  const { more: kept } = splitEvidence(at(25, 3, 250, 750, wrong), { tolerance: 0.2 });
  assert.ok(more > proven && kept < more && kept > more - 6);
});

test("at 90% the tolerance is a part of stable's 10%, and at 100% there is nothing to test", () => {
  assert.ok(splitEvidence(at(90, 5, 950, 50), { tolerance: 0.2 }).more > proven);
  assert.deepEqual(splitEvidence(at(100, 5, 1_000, 3), { tolerance: 0.2 }), { more: 0, less: 0 });
});

test("10^9 requests are bearable, and small doubts about them are not lost", () => {
  const evidence = shareAbove(0.06, 60_150_000, 939_850_000);
  assert.ok(Number.isFinite(evidence));
  close(evidence, 150_000 ** 2 / (2 * 1e9 * 0.06 * 0.94) - 2.9, 0.05); // half the square of 20 standard deviations, less the width of the stakes
});

test("where testers come in beside a weight, more than it is no surprise, and less still is", () => {
  const rules = { tolerance: 0.2, atLeast: true } as const;
  assert.equal(splitEvidence(at(5, 200, 500, 500), rules).more, 0);
  assert.equal(
    splitEvidence(at(5, 4, 0, 4_000), rules).less,
    splitEvidence(at(5, 4, 0, 4_000), { tolerance: 0.2 }).less,
  );
});
