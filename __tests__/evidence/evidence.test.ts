import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { harmRatios, independent, ratioEvidence, safeRatios } from "../../src/evidence/error-ratio.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { emptyMixture, grow, logE, totals } from "../../src/evidence/mixture.ts";
import { oddsEvidence } from "../../src/evidence/odds-ratio.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { alike } from "./close.ts";

const counted = (requests: number, errors: number): Count => ({ requests, errors, buckets: [] });
const warm = defaults.warmUp;
const poll = (
  weight: number,
  [nc, xc]: readonly [number, number],
  [ns, xs]: readonly [number, number],
  age = warm,
): Poll => ({
  weight,
  age,
  from: age - defaults.scrape,
  canary: counted(nc, xc),
  stable: counted(ns, xs),
  lost: 0,
});
const fold = (polls: readonly Poll[], settings: Settings = defaults, from = noEvidence): Evidence =>
  polls.reduce((evidence, next) => addPoll(evidence, next, settings), from);

const count = fc.integer({ min: 0, max: 400 }).chain((requests) =>
  fc
    .record({
      requests: fc.constant(requests),
      errors: fc.integer({ min: 0, max: requests }),
      slow: fc.integer({ min: 0, max: requests }),
    })
    .map(({ requests, errors, slow }) => ({
      requests,
      errors,
      buckets: [
        { le: 100, count: requests - slow },
        { le: Infinity, count: requests },
      ],
    })),
);
const ledger = fc.array(
  fc.record({
    weight: fc.constantFrom(5, 10, 50, 100),
    age: fc.integer({ min: 0, max: 600_000 }),
    from: fc.integer({ min: -15_000, max: 600_000 }),
    canary: count,
    stable: count,
    lost: fc.constantFrom(0, 0, 3),
  }),
  {
    maxLength: 25,
  },
);

test("the same ledger gives the same numbers bit for bit, also when it was stored half-way and read back", () => {
  fc.assert(
    fc.property(ledger, fc.nat(), (polls, seed) => {
      const cut = polls.length === 0 ? 0 : seed % polls.length;
      const whole = fold(polls);
      const stored: Evidence = JSON.parse(JSON.stringify(fold(polls.slice(0, cut))));
      assert.deepEqual(fold(polls.slice(cut), defaults, stored), whole);
      assert.equal(JSON.stringify(fold(polls)), JSON.stringify(whole));
    }),
    { numRuns: 60 },
  );
});

test("evidence never holds what JSON cannot", () => {
  fc.assert(
    fc.property(ledger, (polls) => {
      const settings = { ...defaults, objective: 0.01 };
      const evidence = fold(polls, settings);
      assert.deepEqual(JSON.parse(JSON.stringify(evidence)), evidence);
      assert.ok(Object.values(weigh(evidence, settings).metrics).every(Number.isFinite));
    }),
    { numRuns: 60 },
  );
});

test("its size does not grow with the polls", () => {
  const size = (polls: number): number =>
    JSON.stringify(fold(Array.from({ length: polls }, (_, i) => poll(10, [75, i % 2], [675, i % 7])))).length;
  assert.ok(size(2_000) < 1.2 * size(50));
  assert.ok(size(2_000) < 20_000);
});

test("while the canary warms up its failures count for the circuit breaker and the split only", () => {
  const evidence = fold([
    poll(5, [40, 2], [760, 1], 15_000),
    poll(5, [40, 2], [760, 1], 30_000),
    poll(5, [40, 2], [760, 1], 45_000),
  ]);
  assert.deepEqual(evidence.harm, noEvidence.harm);
  assert.deepEqual(evidence.safe, noEvidence.safe);
  assert.equal(evidence.judged.requests.canary, 0);
  assert.equal(evidence.seen.errors.canary, 6);
  assert.notDeepEqual(evidence.breaker, noEvidence.breaker);
  assert.equal(evidence.split.requests.canary, 80);
});

test("an empty side changes no test of errors", () => {
  const before = fold([poll(50, [300, 9], [300, 3]), poll(50, [300, 9], [300, 3])]);
  for (const [canary, stable] of [
    [
      [0, 0],
      [90, 4],
    ],
    [
      [90, 4],
      [0, 0],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ] as const) {
    const after = fold([poll(50, canary, stable)], defaults, before);
    assert.deepEqual([after.harm, after.safe, after.ratio], [before.harm, before.safe, before.ratio]);
  }
});

test("with many requests the counted exposures are compared, rare failures by the binomial form", () => {
  const evidence = fold([
    poll(5, [100, 1], [1_900, 2]),
    poll(10, [200, 4], [1_800, 1]),
    poll(25, [500, 9], [1_500, 3]),
  ]);
  assert.equal(logE(evidence.harm).toFixed(7), "12.6823118");
});

test("failures of more than 5% are compared by the exact form from the next poll on", () => {
  const first = poll(50, [100, 20], [100, 15]);
  const second = poll(50, [100, 30], [100, 15]);
  const requests = { canary: 100, stable: 100 };
  const [one, two] = [
    { canary: 20, stable: 15 },
    { canary: 30, stable: 15 },
  ];
  const expected = grow(
    grow(emptyMixture(40), ratioEvidence(harmRatios(1), 1, requests, one, independent)),
    oddsEvidence(harmRatios(1), 1, requests, two),
  );
  alike(totals(fold([first, second]).harm), totals(expected), 1e-12);
});

test("with few requests failures are compared with the planned split: one failure of the canary at 5% weighs nearly ln 20 for the largest ratio", () => {
  const opening = fold([poll(5, [0, 0], [3, 0], warm - 15_000), poll(5, [0, 0], [3, 0])]);
  const after = fold([poll(5, [1, 1], [2, 0], warm + 15_000)], defaults, opening);
  assert.ok(Math.max(...totals(after.harm)) > Math.log(16));
  const counted = fold([poll(50, [0, 0], [3, 0]), poll(5, [1, 1], [2, 0])]); // the weight has just changed: not from the plan
  assert.ok(Math.max(...totals(counted.harm)) < Math.log(3));
});

test("the planned split is not trusted before what is counted was served at it, though its weight is written", () => {
  const unsettled = [poll(50, [0, 0], [3, 0]), poll(5, [0, 0], [3, 0]), poll(5, [1, 1], [2, 0], warm + 14_000)];
  assert.ok(Math.max(...totals(fold(unsettled).harm)) < Math.log(3));
});

test("the planned split is no longer trusted once the split test has doubts", () => {
  const stolen = Array.from({ length: 60 }, (_, index) => poll(20, [0, 0], [12, 0], warm + index * 15_000));
  const last = poll(20, [1, 0], [11, 1], warm + 60 * 15_000);
  const doubted = fold([...stolen, last]);
  const trusted = fold([poll(20, [2, 0], [10, 0], 0), poll(20, [2, 0], [10, 0]), last]);
  const expected = ratioEvidence(harmRatios(1), 1, { canary: 1, stable: 11 }, { canary: 0, stable: 1 }, independent);
  alike(totals(doubted.harm), expected, 1e-12);
  assert.notDeepEqual(totals(trusted.harm), totals(doubted.harm));
});

test("a canary without any request is never proven safe", () => {
  const evidence = fold(Array.from({ length: 500 }, () => poll(5, [0, 0], [15, 3])));
  assert.ok(weigh(evidence, defaults).safe <= 0);
});

test("a canary with fewer requests than planned is proven no safer by the plan, which harm is compared with", () => {
  const before = [poll(20, [0, 0], [3, 0]), poll(20, [1, 0], [4, 0], warm + 15_000)];
  const { safe, harm } = fold([...before, poll(20, [1, 0], [14, 2], warm + 30_000)]);
  const failed = { canary: 0, stable: 2 };
  const evidence = (ratios: readonly number[], against: number, canary: number) =>
    ratioEvidence(ratios, against, { canary, stable: 15 - canary }, failed, independent);
  alike(totals(safe), evidence(safeRatios(defaults.safeRatio), defaults.safeRatio, 1), 1e-12);
  alike(totals(harm), evidence(harmRatios(1), 1, 3), 1e-12);
});

test("the excess of the canary is not fooled by an incident on both versions in one stage", () => {
  const evidence = fold([poll(5, [75, 0], [1_425, 3]), poll(50, [750, 75], [750, 75]), poll(50, [750, 75], [750, 75])]);
  assert.ok(Math.abs(evidence.excess.above / evidence.excess.requests) < 0.001);
});

test("the circuit breaker bears what stable has, over all time or in this poll", () => {
  const outage = fold(Array.from({ length: 20 }, () => poll(50, [100, 35], [100, 33], 0)));
  assert.ok(logE(outage.breaker) < 0);
  const alone = fold(Array.from({ length: 20 }, () => poll(50, [100, 35], [100, 1], 0)));
  assert.ok(logE(alone.breaker) > Math.log(100));
  const sudden = fold([
    ...Array.from({ length: 5 }, () => poll(50, [0, 0], [1_000, 1], 0)),
    poll(50, [60, 18], [60, 19], 0),
  ]);
  assert.ok(logE(sudden.breaker) < 0);
  const broken = fold([poll(50, [100, 100], [100, 60], 0)]);
  assert.equal(logE(broken.breaker), 0);
});

test("a dispersion tempers what is proven, and an objective is asked only where there is one", () => {
  const polls = [poll(50, [300, 30], [300, 3])];
  const tempered = fold(polls, { ...defaults, dispersion: { kind: "tempered", phi: 4 } });
  alike(
    totals(tempered.harm),
    totals(fold(polls).harm).map((log) => log / 4),
    1e-12,
  );
  assert.deepEqual(fold(polls).objective, noEvidence.objective);
  assert.ok(logE(fold(polls, { ...defaults, objective: 0.01 }).objective) > Math.log(20));
});

test("pods that join are left alone while they are cold, for half of the time since those before them at most", () => {
  const minutes = (from: number, to: number, joined?: number): readonly Poll[] =>
    Array.from({ length: 4 * (to - from) }, (_, index) => {
      const one = poll(25, [100, 9], [300, 1], from * 60_000 + (index + 1) * 15_000);
      return joined === undefined ? one : { ...one, joined: joined * 60_000 };
    });
  const judged = (polls: readonly Poll[]): number => fold(polls).judged.requests.canary / 100;
  const before = minutes(0, 10);
  assert.equal(judged(before), 33); // the first two minutes are the first pods'
  assert.equal(judged([...before, ...minutes(10, 12)]), 41);
  assert.equal(judged([...before, ...minutes(10, 12, 10)]), 34);
  assert.equal(judged([...before, ...minutes(10, 13, 10)]), 38);
  assert.equal(judged([...before, ...minutes(10, 12, 10), ...minutes(12, 14, 12)]), 39); // one minute of two
});

test("a failure that begins late is found by the breaker at once, whatever was good before", () => {
  const good = Array.from({ length: 200 }, (_, index) => poll(50, [375, 2], [375, 2], (index + 1) * 15_000));
  const late = poll(50, [375, 190], [375, 2], 201 * 15_000);
  assert.notEqual(weigh(fold(good), defaults).finding, "broken");
  assert.equal(weigh(fold([...good, late]), defaults).finding, "broken");
  const both = poll(50, [375, 190], [375, 180], 201 * 15_000);
  assert.notEqual(weigh(fold([...good, both]), defaults).finding, "broken");
});
