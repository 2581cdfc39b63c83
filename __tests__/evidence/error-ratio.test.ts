import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  correlatedEvidence,
  type Dispersion,
  harmRatios,
  independent,
  type Pair,
  ratioEvidence,
  safeRatios,
} from "../../src/evidence/error-ratio.ts";
import { emptyMixture, grow, logE, type Mixture, totals } from "../../src/evidence/mixture.ts";
import { logChoose } from "../../src/evidence/numerics.ts";
import { alike, averagePay, close, within } from "./close.ts";
import { add, average, div, ln, mul, pow, type Real, real, rising, spaced, sub, toNumber } from "./exact.ts";

type Interval = { readonly requests: Pair; readonly failed: Pair };

/** The three stages that design and code are checked against. */
const stages: readonly Interval[] = [
  { requests: { canary: 100, stable: 1_900 }, failed: { canary: 1, stable: 2 } },
  { requests: { canary: 200, stable: 1_800 }, failed: { canary: 4, stable: 1 } },
  { requests: { canary: 500, stable: 1_500 }, failed: { canary: 9, stable: 3 } },
];

const harm = (intervals: readonly Interval[], allowed = 1, dispersion: Dispersion = independent): Mixture =>
  intervals.reduce(
    (mixture, { requests, failed }) =>
      grow(mixture, ratioEvidence(harmRatios(allowed), allowed, requests, failed, dispersion)),
    emptyMixture(40),
  );

/** E by its definition: the average over ratios of the products of likelihood ratios. */
function exactE(
  intervals: readonly Interval[],
  allowed: Real,
  likelihoodRatio: (ratio: Real, interval: Interval) => Real,
): Real {
  const ratios = spaced(mul(allowed, div(real(6), real(5))), mul(allowed, real(100)), 40);
  return average(ratios.map((ratio) => intervals.map((interval) => likelihoodRatio(ratio, interval)).reduce(mul)));
}

const binomialRatio =
  (allowed: Real) =>
  (ratio: Real, { requests, failed }: Interval): Real => {
    const [nc, ns] = [real(requests.canary), real(requests.stable)];
    const shrunk = div(add(ns, mul(allowed, nc)), add(ns, mul(ratio, nc)));
    return mul(pow(div(ratio, allowed), failed.canary), pow(shrunk, failed.canary + failed.stable));
  };

const lnE = (e: Real): number => toNumber(ln(e));

test("log E of the three reference stages is as derived, with the allowed ratio at 1 and at 1.5", () => {
  for (const [allowed, printed] of [
    [1, [0.7508748, 6.7632079, 12.6823118]],
    [1.5, [0.3766522, 5.0718089, 8.7375421]],
  ] as const) {
    for (const [index, figure] of printed.entries()) {
      const seen = stages.slice(0, index + 1);
      close(logE(harm(seen, allowed)), lnE(exactE(seen, real(allowed), binomialRatio(real(allowed)))));
      assert.ok(Math.abs(logE(harm(seen, allowed)) - figure) < 5.1e-8);
    }
  }
});

test("log E tempered by a dispersion of 5 is as derived", () => {
  for (const [index, figure] of [0.1327032, 1.2269614, 2.2929397].entries()) {
    const seen = stages.slice(0, index + 1);
    const exact = average(
      spaced(div(real(6), real(5)), real(100), 40)
        .map((ratio) => seen.map((interval) => binomialRatio(real(1))(ratio, interval)).reduce(mul))
        .map(fifthRoot),
    );
    const tempered = logE(harm(seen, 1, { kind: "tempered", phi: 5 }));
    close(tempered, lnE(exact));
    assert.ok(Math.abs(tempered - figure) < 1.01e-7); // printed without rounding: 1.22696131 as 1.2269614
  }
});

/** By Newton's method, so that it shares no logarithm with the code under test. */
function fifthRoot(value: Real): Real {
  let root = real(toNumber(value) ** 0.2);
  for (let step = 0; step < 6; step++) root = div(add(mul(real(4), root), div(value, pow(root, 4))), real(5));
  return root;
}

test("log E of correlated failures (icc 0.3) is as derived", () => {
  const strength = sub(div(real(10), real(3)), real(1));
  const betaBinomial = (ratio: Real, { requests, failed }: Interval): Real => {
    const law = (r: Real): Real => {
      const whole = add(real(requests.stable), mul(r, real(requests.canary)));
      const a = div(mul(mul(r, real(requests.canary)), strength), whole);
      const b = div(mul(real(requests.stable), strength), whole);
      return mul(rising(a, failed.canary), rising(b, failed.stable));
    };
    return div(law(ratio), law(real(1)));
  };
  for (const [index, figure] of [0.9563535, 3.0358298, 3.8265985].entries()) {
    const seen = stages.slice(0, index + 1);
    const mixture = seen.reduce(
      (sums, interval) => grow(sums, correlatedEvidence(harmRatios(1), 1, interval.requests, interval.failed, 0.3)),
      emptyMixture(40),
    );
    const value = logE(mixture);
    close(value, lnE(exactE(seen, real(1), betaBinomial)));
    assert.ok(Math.abs(value - figure) < 5.1e-8);
  }
});

const requests = fc.record({ canary: fc.integer({ min: 1, max: 5_000 }), stable: fc.integer({ min: 1, max: 5_000 }) });
const allowedRatio = fc.double({ min: 0.5, max: 3, noNaN: true });

/** Σ over all that could have happened of its probability times its likelihood ratio. */
function expectation(
  all: number,
  lawLog: (canary: number) => number,
  evidenceOf: (failed: Pair) => readonly number[],
): readonly number[] {
  return averagePay(
    Array.from({ length: all + 1 }, (_, canary) => ({
      chance: Math.exp(lawLog(canary)),
      logs: evidenceOf({ canary, stable: all - canary }),
    })),
  );
}

test("every bet is fair: the expected likelihood ratio at the allowed ratio is 1, whatever the traffic", () => {
  fc.assert(
    fc.property(requests, allowedRatio, fc.integer({ min: 1, max: 40 }), (exposure, allowed, all) => {
      const theta = (allowed * exposure.canary) / (exposure.stable + allowed * exposure.canary);
      const law = (x: number): number => logChoose(all, x) + x * Math.log(theta) + (all - x) * Math.log1p(-theta);
      const fair = expectation(all, law, (failed) =>
        ratioEvidence([...harmRatios(allowed), ...safeRatios(allowed)], allowed, exposure, failed, independent),
      );
      within(fair, 1 - 1e-9, 1 + 1e-9);
    }),
    { numRuns: 60 },
  );
});

test("tempered bets are fair or worse for whoever accuses the canary", () => {
  fc.assert(
    fc.property(
      requests,
      fc.double({ min: 1, max: 20, noNaN: true }),
      fc.integer({ min: 1, max: 30 }),
      (exposure, phi, all) => {
        const theta = exposure.canary / (exposure.stable + exposure.canary);
        const law = (x: number): number => logChoose(all, x) + x * Math.log(theta) + (all - x) * Math.log1p(-theta);
        within(
          expectation(all, law, (failed) =>
            ratioEvidence(harmRatios(1), 1, exposure, failed, { kind: "tempered", phi }),
          ),
          0,
          1 + 1e-9,
        );
      },
    ),
    { numRuns: 40 },
  );
});

test("bets on correlated failures are fair under the law of correlated failures", () => {
  fc.assert(
    fc.property(
      requests,
      fc.double({ min: 0.01, max: 0.9, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      (exposure, icc, all) => {
        const strength = 1 / icc - 1;
        const theta = exposure.canary / (exposure.stable + exposure.canary);
        const part = (a: number, n: number): number =>
          Array.from({ length: n }, (_, i) => Math.log(a + i)).reduce((x, y) => x + y, 0);
        const law = (x: number): number =>
          logChoose(all, x) + part(theta * strength, x) + part((1 - theta) * strength, all - x) - part(strength, all);
        within(
          expectation(all, law, (failed) => correlatedEvidence(harmRatios(1), 1, exposure, failed, icc)),
          1 - 1e-9,
          1 + 1e-9,
        );
      },
    ),
    { numRuns: 40 },
  );
});

test("failures that vary φ times as much are correlated just so: the canary's part has φ times the binomial variance", () => {
  const [exposure, all, phi] = [{ canary: 300, stable: 700 }, 12, 3];
  const logs = (canary: number): number =>
    ratioEvidence([1.0001], 1, exposure, { canary, stable: all - canary }, { kind: "beta-binomial", phi })[0] ?? 0;
  const same = (canary: number): number =>
    correlatedEvidence([1.0001], 1, exposure, { canary, stable: all - canary }, (phi - 1) / (all - 1))[0] ?? 0;
  for (let canary = 0; canary <= all; canary++) assert.equal(logs(canary), same(canary));
  const strength = (all - 1) / (phi - 1) - 1; // 1 / icc − 1
  const part = (a: number, n: number): number => Array.from({ length: n }, (_, i) => a + i).reduce((x, y) => x * y, 1);
  const law = Array.from(
    { length: all + 1 },
    (_, x) =>
      (Math.exp(logChoose(all, x)) * part(0.3 * strength, x) * part(0.7 * strength, all - x)) / part(strength, all),
  );
  const variance = law.reduce((sum, chance, x) => sum + chance * (x - all * 0.3) ** 2, 0);
  close(variance, phi * all * 0.3 * 0.7);
  assert.deepEqual(
    ratioEvidence(harmRatios(1), 1, exposure, { canary: 2, stable: 1 }, { kind: "beta-binomial", phi: 1 }),
    ratioEvidence(harmRatios(1), 1, exposure, { canary: 2, stable: 1 }, independent),
  );
});

test("no bet wins on average against a healthy canary when failures are frequent (hypergeometric law)", () => {
  const populations = fc.record({ canary: fc.integer({ min: 1, max: 60 }), stable: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(populations, fc.nat(), (exposure, seed) => {
      const all = seed % (exposure.canary + exposure.stable + 1);
      const whole = logChoose(exposure.canary + exposure.stable, all);
      const law = (x: number): number =>
        x > exposure.canary || all - x > exposure.stable
          ? -Infinity
          : logChoose(exposure.canary, x) + logChoose(exposure.stable, all - x) - whole;
      within(
        expectation(all, law, (failed) => ratioEvidence(harmRatios(1), 1, exposure, failed, independent)),
        0,
        1 + 1e-9,
      );
    }),
    { numRuns: 100 },
  );
});

test("no bet wins on average at any error rate and any allowed ratio, by enumeration of both versions' failures", () => {
  const small = fc.record({ canary: fc.integer({ min: 1, max: 12 }), stable: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(small, allowedRatio, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (exposure, allowed, part) => {
      const p = part * Math.min(1, 1 / allowed);
      const binomial = (n: number, x: number, q: number): number =>
        Math.exp(logChoose(n, x)) * q ** x * (1 - q) ** (n - x);
      const outcomes: { chance: number; logs: readonly number[] }[] = [];
      for (let canary = 0; canary <= exposure.canary; canary++) {
        for (let stable = 0; stable <= exposure.stable; stable++) {
          const chance =
            binomial(exposure.canary, canary, Math.min(1, allowed * p)) * binomial(exposure.stable, stable, p);
          outcomes.push({
            chance,
            logs: ratioEvidence(
              [...harmRatios(allowed), ...safeRatios(allowed)],
              allowed,
              exposure,
              { canary, stable },
              independent,
            ),
          });
        }
      }
      within(averagePay(outcomes), 0, 1 + 1e-9);
    }),
    { numRuns: 60 },
  );
});

const intervals = fc.array(
  requests.chain((counts) =>
    fc.record({
      requests: fc.constant(counts),
      failed: fc.record({
        canary: fc.integer({ min: 0, max: counts.canary }),
        stable: fc.integer({ min: 0, max: counts.stable }),
      }),
    }),
  ),
  { minLength: 1, maxLength: 6 },
);

test("one more failure of the canary never speaks for it", () => {
  fc.assert(
    fc.property(intervals, fc.nat(), (list, seed) => {
      const worse = list.map((interval, i) =>
        i === seed % list.length
          ? { ...interval, failed: { ...interval.failed, canary: interval.failed.canary + 1 } }
          : interval,
      );
      assert.ok(logE(harm(worse)) >= logE(harm(list)));
    }),
  );
});

test("an interval in which a version had no request, or nothing failed, changes nothing", () => {
  const before = harm(stages);
  for (const [canary, stable, x, y] of [
    [0, 500, 0, 7],
    [500, 0, 7, 0],
    [300, 4_000, 0, 0],
    [0, 0, 0, 0],
  ] as const) {
    assert.deepEqual(
      grow(before, ratioEvidence(harmRatios(1), 1, { canary, stable }, { canary: x, stable: y }, independent)),
      before,
    );
  }
});

test("the order of polls is irrelevant", () => {
  fc.assert(
    fc.property(intervals, (list) => {
      const [there, back] = [totals(harm(list)), totals(harm(list.toReversed()))];
      for (const [j, log] of there.entries()) assert.ok(Math.abs((back[j] ?? 0) - log) < 1e-12 * (1 + Math.abs(log)));
    }),
  );
});

test("an incident that hits both versions in one stage proves nothing, though pooled counts would", () => {
  const quiet = { requests: { canary: 750, stable: 14_250 }, failed: { canary: 1, stable: 14 } };
  const incident = { requests: { canary: 7_500, stable: 7_500 }, failed: { canary: 750, stable: 750 } };
  assert.ok(logE(harm([quiet, incident])) < 0);
  const pooled = { requests: { canary: 8_250, stable: 21_750 }, failed: { canary: 751, stable: 764 } };
  assert.ok(logE(harm([pooled])) > Math.log(1e9));
});

test("10^9 requests in a poll keep nine digits", () => {
  const huge = { requests: { canary: 10_000_000, stable: 990_000_000 }, failed: { canary: 10_400, stable: 990_000 } };
  close(logE(harm([huge])), lnE(exactE([huge], real(1), binomialRatio(real(1)))));
});

test("weeks of polls add up without drift", () => {
  const [once = []] = stages.map(({ requests, failed }) =>
    ratioEvidence(harmRatios(1), 1, requests, failed, independent),
  );
  let mixture = emptyMixture(40);
  for (let poll = 0; poll < 100_000; poll++) mixture = grow(mixture, once);
  alike(
    totals(mixture),
    once.map((log) => 100_000 * log),
    1e-15,
  );
});

test("without a failure of stable, 2 failures of the canary are enough at 5 and 10%, 3 at 25%, 6 at 50%", () => {
  for (const [weight, enough] of [
    [5, 2],
    [10, 2],
    [25, 3],
    [50, 6],
  ] as const) {
    const failing = (canary: number): number =>
      logE(harm([{ requests: { canary: weight, stable: 100 - weight }, failed: { canary, stable: 0 } }]));
    assert.ok(failing(enough) >= Math.log(20));
    assert.ok(failing(enough - 1) < Math.log(20));
  }
});

test("to prove a ratio below 2 takes 326 failures at 5%, 177 at 10%, 78 at 50%, at 1 in 100 and staked on equality alone", () => {
  for (const [weight, failures] of [
    [5, 326],
    [10, 177],
    [50, 78],
  ] as const) {
    const exposure = { canary: weight, stable: 100 - weight };
    const [gained = 0] = ratioEvidence(
      [1],
      2,
      exposure,
      { canary: weight / 100, stable: 1 - weight / 100 },
      independent,
    );
    assert.equal(Math.round(Math.log(100) / gained), failures);
  }
});
