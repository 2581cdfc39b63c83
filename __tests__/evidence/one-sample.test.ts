import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { defaults } from "../../src/evidence/defaults.ts";
import { emptyMixture, grow, logE } from "../../src/evidence/mixture.ts";
import { logChoose, logMeanExp } from "../../src/evidence/numerics.ts";
import { betterRates, rateEvidence, worseRates } from "../../src/evidence/one-sample.ts";
import { averagePay, close, within } from "./close.ts";
import { average, div, ln, mul, pow, quotient, type Real, real, spaced, sub, toNumber } from "./exact.ts";

const evidenceOf = (allowed: number, requests: number, failed: number): number =>
  logMeanExp(rateEvidence(worseRates(allowed), allowed, requests, failed));

test("2 of 3 and 10 of 1,000 failures weigh as derived against an objective of 1%", () => {
  for (const [requests, failed, printed, half] of [
    [3, 2, 376, 0.51],
    [1_000, 10, 0.054, 0.0005],
  ] as const) {
    const allowed = quotient(1, 100);
    const likelihoodRatio = (rate: Real): Real =>
      mul(pow(div(rate, allowed), failed), pow(div(sub(real(1), rate), sub(real(1), allowed)), requests - failed));
    const exact = average(spaced(mul(allowed, quotient(6, 5)), quotient(19, 20), 40).map(likelihoodRatio));
    close(evidenceOf(0.01, requests, failed), toNumber(ln(exact)));
    assert.ok(Math.abs(Math.exp(evidenceOf(0.01, requests, failed)) - printed) < half);
  }
});

test("every bet is fair at the objective, and loses on average for a canary that is better", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 0.7, noNaN: true }),
      fc.integer({ min: 1, max: 60 }),
      (allowed, requests) => {
        const expected = (rate: number, rates: readonly number[]): readonly number[] => {
          const law = (x: number): number =>
            Math.exp(logChoose(requests, x) + x * Math.log(rate) + (requests - x) * Math.log1p(-rate));
          return averagePay(
            Array.from({ length: requests + 1 }, (_, x) => ({
              chance: law(x),
              logs: rateEvidence(rates, allowed, requests, x),
            })),
          );
        };
        within(
          [...expected(allowed, worseRates(allowed)), ...expected(allowed, betterRates(allowed))],
          1 - 1e-8,
          1 + 1e-8,
        );
        within(expected(allowed * 0.8, worseRates(allowed)), 0, 1);
        within(expected(allowed * 1.2, betterRates(allowed)), 0, 1);
      },
    ),
    { numRuns: 60 },
  );
});

test("without a failure, 0.1% is disproved after about 4,000 requests and not after 3,000", () => {
  const proof = (requests: number): number =>
    logE(grow(emptyMixture(40), rateEvidence(betterRates(0.001), 0.001, requests, 0)));
  assert.ok(proof(3_000) < Math.log(20));
  assert.ok(proof(4_500) > Math.log(20));
});

/** When the test crosses its limit, by exact enumeration of all courses of `requests` requests: the law of the first crossing. */
function crossing(
  allowed: number,
  alpha: number,
  rate: number,
  requests: number,
): { readonly at: readonly number[]; readonly badMedian: number } {
  let alive = new Map([[0, 1]]);
  const at: number[] = [];
  const bad = new Map<number, number>();
  for (let n = 1; n <= requests; n++) {
    const next = new Map<number, number>();
    let crossed = 0;
    for (const [x, chance] of alive) {
      for (const [failed, part] of [
        [x + 1, rate],
        [x, 1 - rate],
      ] as const) {
        if (part === 0) continue;
        if (evidenceAt(allowed, n, failed) >= Math.log(1 / alpha)) {
          crossed += chance * part;
          bad.set(failed, (bad.get(failed) ?? 0) + chance * part);
        } else next.set(failed, (next.get(failed) ?? 0) + chance * part);
      }
    }
    at.push(crossed);
    alive = next;
  }
  return { at, badMedian: median(Array.from({ length: requests }, (_, x) => bad.get(x + 1) ?? 0)) };
}

const known = new Map<string, number>();
function evidenceAt(allowed: number, requests: number, failed: number): number {
  const key = `${allowed} ${requests} ${failed}`;
  const value = known.get(key) ?? evidenceOf(allowed, requests, failed);
  known.set(key, value);
  return value;
}

const median = (at: readonly number[]): number => {
  let sum = 0;
  return (
    at.findIndex((chance) => {
      sum += chance;
      return sum >= 0.5;
    }) + 1
  );
};

test("the circuit breaker trips at 50% failures after 9 requests and 5 bad ones (medians), at 100% after 3, at 20% after 116, by exact enumeration", () => {
  const half = crossing(0.1, 0.01, 0.5, 200);
  assert.equal(median(half.at), 9);
  assert.equal(half.badMedian, 5);
  assert.equal(median(crossing(0.1, 0.01, 1, 20).at), 3);
  assert.equal(median(crossing(0.1, 0.01, 0.2, 300).at), 116);
  assert.equal(median(crossing(0.25, 0.01, 0.5, 200).at), 32);
});

test("at 1 in 20, as it is set, after 7 requests and 4 bad ones, 2 and 72", () => {
  const { alpha, floor } = defaults.breaker;
  const half = crossing(floor, alpha, 0.5, 200);
  assert.equal(median(half.at), 7);
  assert.equal(half.badMedian, 4);
  assert.equal(median(crossing(floor, alpha, 1, 20).at), 2);
  assert.equal(median(crossing(floor, alpha, 0.2, 300).at), 72);
});

test("the circuit breaker bears a cold start with 5% failures in all but 4 of 1,000 releases, and a canary at its limit trips it in less than 1 of 20", () => {
  const total = (at: readonly number[]): number => at.reduce((a, b) => a + b, 0);
  const { alpha, floor } = defaults.breaker;
  assert.ok(total(crossing(floor, alpha, 0.05, 600).at) < 0.004);
  const atLimit = total(crossing(floor, alpha, floor, 600).at);
  assert.ok(atLimit < alpha && atLimit > alpha / 10, `${atLimit}`);
});
