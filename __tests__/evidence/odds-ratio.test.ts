import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { harmRatios, independent, type Pair, ratioEvidence } from "../../src/evidence/error-ratio.ts";
import { logChoose } from "../../src/evidence/numerics.ts";
import { oddsEvidence } from "../../src/evidence/odds-ratio.ts";
import { averagePay, close, within } from "./close.ts";
import { div, ln, mul, pow, type Real, real, rising, sum, toNumber } from "./exact.ts";

const choose = (n: number, k: number): Real => div(rising(real(n - k + 1), k), rising(real(1), k));

/** ln of (ψ/ψ0)^x M(ψ0)/M(ψ), with every term of M written out. */
function exactEvidence(psi: Real, against: Real, requests: Pair, having: Pair): number {
  const all = having.canary + having.stable;
  const least = Math.max(0, all - requests.stable);
  const moment = (odds: Real): Real =>
    sum(
      Array.from({ length: Math.min(requests.canary, all) - least + 1 }, (_, i) =>
        mul(mul(choose(requests.canary, least + i), choose(requests.stable, all - least - i)), pow(odds, least + i)),
      ),
    );
  return toNumber(ln(mul(pow(div(psi, against), having.canary), div(moment(against), moment(psi)))));
}

const population = fc.record({ canary: fc.integer({ min: 1, max: 80 }), stable: fc.integer({ min: 1, max: 80 }) });
const split = population.chain((requests) =>
  fc.record({
    requests: fc.constant(requests),
    having: fc.record({
      canary: fc.integer({ min: 0, max: requests.canary }),
      stable: fc.integer({ min: 0, max: requests.stable }),
    }),
  }),
);

test("the exact evidence is that of its definition, written out term by term", () => {
  fc.assert(
    fc.property(split, fc.constantFrom(1, 1.25, 2), ({ requests, having }, against) => {
      const odds = harmRatios(against).filter((_, j) => j % 8 === 0);
      for (const [j, log] of oddsEvidence(odds, against, requests, having).entries()) {
        const exact = exactEvidence(real(odds[j] ?? 0), real(against), requests, having);
        assert.ok(Math.abs(log - exact) < 1e-10 * (1 + Math.abs(exact)), `${log} is not ${exact}`);
      }
    }),
    { numRuns: 40 },
  );
});

test("every exact bet is fair at the allowed odds, and loses on average below them", () => {
  fc.assert(
    fc.property(population, fc.nat(), fc.constantFrom(1, 1.25, 2), (requests, seed, against) => {
      const all = 1 + (seed % (requests.canary + requests.stable - 1 || 1));
      for (const truth of [against, against * 0.7]) {
        const ys = Array.from({ length: all + 1 }, (_, y) => y).filter(
          (y) => y <= requests.canary && all - y <= requests.stable,
        );
        const weights = ys.map(
          (y) =>
            Math.exp(
              logChoose(requests.canary, y) +
                logChoose(requests.stable, all - y) -
                logChoose(requests.canary + requests.stable, all),
            ) *
            truth ** y,
        );
        const whole = weights.reduce((a, b) => a + b, 0);
        const pay = averagePay(
          ys.map((y, i) => ({
            chance: (weights[i] ?? 0) / whole,
            logs: oddsEvidence(harmRatios(against), against, requests, { canary: y, stable: all - y }),
          })),
        );
        within(pay, truth === against ? 1 - 1e-9 : 0, 1 + 1e-9);
      }
    }),
    { numRuns: 60 },
  );
});

test("where failures are rare it agrees with the binomial form; where they are frequent it proves more", () => {
  const [rare = 0] = oddsEvidence([2], 1, { canary: 50_000, stable: 950_000 }, { canary: 10, stable: 90 });
  const [alike = 0] = ratioEvidence(
    [2],
    1,
    { canary: 50_000, stable: 950_000 },
    { canary: 10, stable: 90 },
    independent,
  );
  assert.ok(Math.abs(rare - alike) < 1e-3);
  const frequent = [
    { canary: 500, stable: 500 },
    { canary: 260, stable: 200 },
  ] as const;
  const best = (logs: readonly number[]): number => Math.max(...logs);
  assert.ok(
    best(oddsEvidence(harmRatios(1), 1, ...frequent)) >
      best(ratioEvidence(harmRatios(1), 1, ...frequent, independent)) + 2,
  );
});

test("one more of the canary never speaks for it", () => {
  fc.assert(
    fc.property(split, ({ requests, having }) => {
      fc.pre(having.canary < requests.canary && having.stable > 0);
      const more = oddsEvidence(harmRatios(1), 1, requests, { canary: having.canary + 1, stable: having.stable - 1 });
      for (const [j, log] of oddsEvidence(harmRatios(1), 1, requests, having).entries())
        assert.ok((more[j] ?? 0) >= log - 1e-12);
    }),
  );
});

test("a poll with an empty side, or in which none or all had the outcome, says nothing", () => {
  for (const [requests, having] of [
    [
      { canary: 0, stable: 10 },
      { canary: 0, stable: 4 },
    ],
    [
      { canary: 10, stable: 0 },
      { canary: 4, stable: 0 },
    ],
    [
      { canary: 10, stable: 10 },
      { canary: 0, stable: 0 },
    ],
    [
      { canary: 10, stable: 10 },
      { canary: 10, stable: 10 },
    ],
  ] as const) {
    assert.deepEqual(oddsEvidence([1.5, 3], 1, requests, having), [0, 0]);
  }
});

test("10^9 requests in one poll weigh what mean, variance and skew of their law say", () => {
  const requests = { canary: 100_000_000, stable: 900_000_000 };
  const having = { canary: 30_010_000, stable: 270_000_000 - 10_000 };
  const [gained = 0] = oddsEvidence([1.002], 1, requests, having);
  // Second order in u = ln ψ around ψ = 1, where mean and variance of the central law are known: (x − mean) u − variance u² / 2.
  const [n, all, u] = [1e9, 3e8, Math.log(1.002)];
  const variance = (all * 0.1 * 0.9 * (n - all)) / (n - 1);
  const skew = (variance * (1 - 2 * 0.1) * (1 - 2 * 0.3) * u ** 3) / 6;
  close(gained, 10_000 * u - (variance * u * u) / 2 - skew, 1e-5);
});
