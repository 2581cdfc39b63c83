import type { Settings } from "../evidence/defaults.ts";
import { ratioEvidence, safeRatios } from "../evidence/error-ratio.ts";
import { addPoll, type Evidence, noEvidence } from "../evidence/evidence.ts";
import { emptyMixture, grow, logE } from "../evidence/mixture.ts";
import { logMeanExp } from "../evidence/numerics.ts";
import { betterRates, rateEvidence } from "../evidence/one-sample.ts";
import type { Poll } from "../evidence/poll.ts";
import type { Tally } from "../evidence/tally.ts";
import { weigh } from "../evidence/weigh.ts";
import type { Millis } from "../lib/duration.ts";
import { type Chance, chance, poisson } from "./chance.ts";

/** What a service has now: requests per second of both versions, and the part of them that fails. */
export type Traffic = { readonly rate: number; readonly baseline: number };

/**
 * What a service had in a window that was counted. Undefined when stable had no request: nobody knows then how often it
 * fails.
 */
export function trafficOf({ stable, canary }: Tally, window: Millis): Traffic | undefined {
  if (stable.requests === 0) return undefined;
  return { rate: ((stable.requests + canary.requests) * 1_000) / window, baseline: stable.errors / stable.requests };
}

/** A plan as far as it matters here: the canary's weight in whole percents, and for how long. */
export type Step = { readonly weight: number; readonly wait: Millis };

export type Course = { readonly steps: readonly Step[]; readonly pollEvery: Millis };

/** What happens to releases whose canary fails `ratio` times as often as stable. */
export type Detection = {
  readonly ratio: number;
  /** The part of these releases that is rolled back before the plan ends. */
  readonly found: number;
  /** Failed canary requests until then, or until the plan ends: the average. */
  readonly badRequests: number;
  /** Milliseconds until half of all releases are rolled back; undefined when fewer ever are. */
  readonly medianTime?: Millis | undefined;
};

/** The ratios that are tried: few enough to be quick, close enough to plan by. */
const ladder = [
  1.1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000,
];

/** What a service that never failed is taken to fail: a ratio to nothing would say nothing. */
export const neverSeen = 1e-5;

/** `runs` releases by seeded chance; the standard error of `found` is at most ½ / √runs. */
export function detection(
  course: Course,
  traffic: Traffic,
  ratio: number,
  settings: Settings,
  runs: number,
  seed: number,
): Detection {
  const next = chance(seed);
  const releases = Array.from({ length: runs }, () => release(course, traffic, ratio, settings, next));
  const times = releases.flatMap(({ foundAt }) => (foundAt === undefined ? [] : [foundAt])).sort((a, b) => a - b);
  return {
    ratio,
    found: times.length / runs,
    badRequests: releases.reduce((sum, { bad }) => sum + bad, 0) / runs,
    medianTime: times[Math.ceil(runs / 2) - 1],
  };
}

/**
 * The smallest regression that is found in at least 80% of releases; undefined when not even a canary that always
 * fails is.
 */
export function smallestFound(
  course: Course,
  { rate, baseline }: Traffic,
  settings: Settings,
  runs: number,
  seed: number,
): Detection | undefined {
  const traffic = { rate, baseline: Math.max(baseline, neverSeen) };
  const possible = [...ladder.filter((ratio) => ratio * traffic.baseline < 1), 1 / traffic.baseline];
  let found: Detection | undefined;
  for (let low = 0, high = possible.length - 1; low <= high; ) {
    const middle = Math.floor((low + high) / 2);
    const tried = detection(course, traffic, possible[middle] ?? 1, settings, runs, seed);
    if (tried.found >= 0.8) [found, high] = [tried, middle - 1];
    else low = middle + 1;
  }
  return found;
}

/** One release poll by poll: the canary is past its warm-up after `settings.warmUp`, and requests come at random. */
function release(
  { steps, pollEvery }: Course,
  traffic: Traffic,
  ratio: number,
  settings: Settings,
  next: Chance,
): { readonly foundAt?: Millis; readonly bad: number } {
  let evidence: Evidence = noEvidence;
  let bad = 0;
  for (const { weight } of polls(steps, pollEvery)) {
    const age = (evidence.polls + 1) * pollEvery;
    const poll = randomPoll(weight, age, pollEvery, traffic, ratio, next);
    evidence = addPoll(evidence, poll, settings);
    bad += poll.canary.errors;
    const { finding } = weigh(evidence, settings);
    if (finding === "harm" || finding === "broken") return { foundAt: age, bad };
  }
  return { bad };
}

const polls = (steps: readonly Step[], pollEvery: Millis): readonly Step[] =>
  steps.flatMap((step) => Array.from({ length: Math.max(1, Math.round(step.wait / pollEvery)) }, () => step));

function randomPoll(
  weight: number,
  age: Millis,
  pollEvery: Millis,
  { rate, baseline }: Traffic,
  ratio: number,
  next: Chance,
): Poll {
  const all = (rate * pollEvery) / 1_000;
  const version = (share: number, failing: number): Poll["stable"] => {
    const errors = poisson(all * share * failing, next);
    return { requests: errors + poisson(all * share * (1 - failing), next), errors, buckets: [] };
  };
  return {
    weight,
    age,
    from: age - pollEvery,
    stable: version(1 - weight / 100, baseline),
    canary: version(weight / 100, Math.min(1, baseline * ratio)),
    lost: 0,
  };
}

const longest: Millis = 30 * 86_400_000;

/**
 * How long it takes to prove a canary safe that is exactly as good as stable, by calculation for average traffic: the
 * plan as it is, then its last step for as long as it takes. Undefined when 30 days are not enough.
 */
export function timeToSafety({ steps }: Course, traffic: Traffic, settings: Settings): Millis | undefined {
  const proven = (time: Millis): boolean =>
    expectedSafety(steps, time, traffic, settings) >= Math.log(1 / settings.beta);
  if (!proven(longest)) return undefined;
  let [short, long] = [0, longest];
  while (long - short > 1_000) {
    const middle = (short + long) / 2;
    if (proven(middle)) long = middle;
    else short = middle;
  }
  return long;
}

/** ln E of safety when every count is what it is on average; nothing counts before the warm-up ends. */
function expectedSafety(steps: readonly Step[], time: Millis, traffic: Traffic, settings: Settings): number {
  let [safe, harmless] = [emptyMixture(40), emptyMixture(40)];
  let from = 0;
  for (const [index, { weight, wait }] of steps.entries()) {
    const to = index === steps.length - 1 ? time : Math.min(time, from + wait);
    const requests = (Math.max(0, to - Math.max(from, settings.warmUp)) * traffic.rate) / 1_000;
    from += wait;
    const exposure = { stable: requests * (1 - weight / 100), canary: (requests * weight) / 100 };
    const failed = { stable: exposure.stable * traffic.baseline, canary: exposure.canary * traffic.baseline };
    safe = grow(
      safe,
      ratioEvidence(safeRatios(settings.safeRatio), settings.safeRatio, exposure, failed, settings.dispersion),
    );
    if (settings.minExcess > 0)
      harmless = grow(
        harmless,
        rateEvidence(betterRates(settings.minExcess), settings.minExcess, exposure.canary, failed.canary).map(
          (log) => log / settings.dispersion.phi,
        ),
      );
  }
  return settings.minExcess === 0 ? logE(safe) : logMeanExp([logE(safe), logE(harmless)]);
}
