import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { harmRatios, independent, type Pair, ratioEvidence, safeRatios } from "../../src/evidence/error-ratio.ts";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import { emptyMixture, grow, logE, type Mixture } from "../../src/evidence/mixture.ts";
import { logChoose } from "../../src/evidence/numerics.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { type Chance, chance, poisson } from "../../src/rehearsal/chance.ts";

/** Which requests come next, for somebody who knows all that was proven and wants a false alarm. */
type Adversary = (mixture: Mixture, poll: number) => Pair;

const steady: Adversary = () => ({ canary: 3, stable: 5 });
/** Little traffic while the evidence is against the canary, much as soon as it turns. */
const greedy: Adversary = (mixture) => (logE(mixture) > 0 ? { canary: 5, stable: 3 } : { canary: 1, stable: 5 });

/** The chance that E ever reaches `limit` within `polls`, by enumeration of everything that can happen. */
function everReached(
  limit: number,
  polls: number,
  adversary: Adversary,
  p: number,
  mixture = emptyMixture(40),
  poll = 0,
): number {
  if (logE(mixture) >= Math.log(limit)) return 1;
  if (poll === polls) return 0;
  const requests = adversary(mixture, poll);
  let reached = 0;
  for (let canary = 0; canary <= requests.canary; canary++) {
    for (let stable = 0; stable <= requests.stable; stable++) {
      const law = binomial(requests.canary, canary, p) * binomial(requests.stable, stable, p);
      reached +=
        law *
        everReached(
          limit,
          polls,
          adversary,
          p,
          grow(mixture, ratioEvidence(harmRatios(1), 1, requests, { canary, stable }, independent)),
          poll + 1,
        );
    }
  }
  return reached;
}

const binomial = (n: number, x: number, p: number): number => Math.exp(logChoose(n, x)) * p ** x * (1 - p) ** (n - x);

test("in small designs, the chance that a healthy canary is ever called bad is below α, by exact enumeration of all courses", () => {
  for (const adversary of [steady, greedy]) {
    for (const p of [0.1, 0.5]) {
      for (const limit of [2, 4]) {
        const chanceOf = everReached(limit, 3, adversary, p);
        assert.ok(chanceOf <= 1 / limit, `${chanceOf} at ${limit}`);
      }
    }
  }
});

/** The part of `releases` in which E reaches 20 at any look, or at the last one. */
function alarms(
  releases: number,
  next: Chance,
  course: (mixture: Mixture, poll: number) => readonly [Pair, Pair],
  against: "harm" | "safe",
): { readonly ever: number; readonly atEnd: number } {
  const ratios = against === "harm" ? harmRatios(1) : safeRatios(2);
  let [ever, atEnd] = [0, 0];
  for (let release = 0; release < releases; release++) {
    let mixture = emptyMixture(40);
    let reached = false;
    for (let poll = 0; poll < 80; poll++) {
      const [requests, rates] = course(mixture, poll);
      const failed = {
        canary: poisson(requests.canary * rates.canary, next),
        stable: poisson(requests.stable * rates.stable, next),
      };
      mixture = grow(mixture, ratioEvidence(ratios, against === "harm" ? 1 : 2, requests, failed, independent));
      reached ||= logE(mixture) >= Math.log(20);
    }
    ever += reached ? 1 : 0;
    atEnd += logE(mixture) >= Math.log(20) ? 1 : 0;
  }
  return { ever: ever / releases, atEnd: atEnd / releases };
}

const at = (weight: number): Pair => ({ canary: 7.5 * weight, stable: 750 - 7.5 * weight });
const planned = (poll: number): number => [5, 10, 25, 50][Math.floor(poll / 20)] ?? 50;

test("looking at every poll and stopping at the worst moment calls fewer than 5 of 100 healthy canaries bad (800 releases of 80 polls, seed 1)", () => {
  const { ever, atEnd } = alarms(
    800,
    chance(1),
    (_, poll) => [at(planned(poll)), { canary: 0.01, stable: 0.01 }],
    "harm",
  );
  assert.ok(ever <= 0.05 && ever > 0, `${ever}`);
  assert.ok(atEnd <= ever);
});

test("weights chosen by what was seen, to provoke a false alarm, do not help (800 releases, seed 2)", () => {
  const { ever } = alarms(
    800,
    chance(2),
    (mixture) => [at(logE(mixture) > 0 ? 50 : 2), { canary: 0.01, stable: 0.01 }],
    "harm",
  );
  assert.ok(ever <= 0.05, `${ever}`);
});

test("error rates that move for both versions, incidents included, do not help either (800 releases, seed 3)", () => {
  const { ever } = alarms(
    800,
    chance(3),
    (_, poll) => {
      const rate = poll % 20 < 3 ? 0.2 : 0.002;
      return [at(planned(poll)), { canary: rate, stable: rate }];
    },
    "harm",
  );
  assert.ok(ever <= 0.05, `${ever}`);
});

test("a canary that fails exactly twice as often is called safe in fewer than 5 of 100 releases (800 releases, seed 4)", () => {
  const { ever } = alarms(800, chance(4), (_, poll) => [at(planned(poll)), { canary: 0.02, stable: 0.01 }], "safe");
  assert.ok(ever <= 0.05 && ever > 0, `${ever}`);
});

test("a healthy canary is rolled back in fewer than 5 of 100 releases by all tests together, with few requests by the planned split (300 releases, seed 5)", () => {
  for (const [rate, baseline] of [
    [50, 0.01],
    [2, 0.03],
  ] as const) {
    const next = chance(5);
    let failed = 0;
    for (let release = 0; release < 150; release++) {
      let evidence = noEvidence;
      for (let poll = 0, over = false; poll < 80 && !over; poll++) {
        const weight = planned(poll);
        const draw = (share: number) => {
          const errors = poisson(rate * 15 * share * baseline, next);
          return { requests: errors + poisson(rate * 15 * share * (1 - baseline), next), errors, buckets: [] };
        };
        evidence = addPoll(
          evidence,
          {
            weight,
            age: (poll + 1) * 15_000,
            from: poll * 15_000,
            canary: draw(weight / 100),
            stable: draw(1 - weight / 100),
            lost: 0,
          },
          defaults,
        );
        over = ["harm", "broken", "too-much-traffic"].includes(weigh(evidence, defaults).finding);
        failed += over ? 1 : 0;
      }
    }
    assert.ok(failed <= 7, `${failed} of 150 at ${rate} requests per second`);
  }
});
