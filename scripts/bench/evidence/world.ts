import type { PodCount } from "../../../src/evidence/dispersion.ts";
import type { Poll } from "../../../src/evidence/poll.ts";
import type { Count } from "../../../src/evidence/tally.ts";
import { type Chance, poisson } from "../../../src/rehearsal/chance.ts";

/** Everybody's plan: 5, 10, 25 and 50%, five minutes each, a poll every 15 seconds. */
export const pollSeconds = 15;
export const pollsPerStage = 20;
export const weights = [5, 10, 25, 50] as const;
export const polls = weights.length * pollsPerStage;

/** The response times of a service: log-normal, in milliseconds. */
export type ResponseTimes = { readonly median: number; readonly spread: number };

/** What happens in the world of one release. Rates of failure are functions of the poll, from 0 to 79. */
export type World = {
  /** Requests per second of both versions together. */
  readonly rate: number;
  readonly stable: (poll: number) => number;
  readonly canary: (poll: number) => number;
  /** Failures come in clusters of a geometric size with this mean. Default 1: independent. */
  readonly cluster?: number;
  /** How many times its planned traffic the canary gets. Default 1. */
  readonly canaryTraffic?: number;
  /** Response times, and how many times stable's the canary's are. */
  readonly latency?: { readonly stable: ResponseTimes; readonly slower: number };
};

/** One release as it would have been counted; every judge sees the same. */
export type Release = {
  readonly polls: readonly Poll[];
  /** Failures of stable's four pods in each minute of the hour before. */
  readonly before: readonly (readonly PodCount[])[];
};

/** Istio's histogram of response times, in milliseconds, as far as it matters. */
export const edges = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, Infinity];

export function play(world: World, next: Chance): Release {
  return {
    before: before(world, next),
    polls: Array.from({ length: polls }, (_, poll) => playPoll(world, poll, next)),
  };
}

function playPoll(world: World, poll: number, next: Chance): Poll {
  const weight = weights[Math.floor(poll / pollsPerStage)] ?? 50;
  const canary = Math.min(1, (weight / 100) * (world.canaryTraffic ?? 1));
  const all = world.rate * pollSeconds;
  const times = world.latency;
  return {
    weight,
    age: (poll + 1) * pollSeconds * 1_000,
    from: poll * pollSeconds * 1_000,
    stable: count(all * (1 - canary), world.stable(poll), world.cluster ?? 1, times?.stable, next),
    canary: count(
      all * canary,
      world.canary(poll),
      world.cluster ?? 1,
      times && { ...times.stable, median: times.stable.median * times.slower },
      next,
    ),
    lost: 0,
  };
}

function count(
  expected: number,
  failing: number,
  cluster: number,
  times: ResponseTimes | undefined,
  next: Chance,
): Count {
  if (times) return countTimes(expected, failing, times, next);
  const errors = failures(expected * failing, cluster, next);
  return { requests: errors + poisson(expected * (1 - failing), next), errors, buckets: [] };
}

/** Failures that come together: as many clusters as come at random, each of a geometric size. */
function failures(expected: number, cluster: number, next: Chance): number {
  if (cluster === 1) return poisson(expected, next);
  let failed = 0;
  for (let left = poisson(expected / cluster, next); left > 0; left--)
    failed += 1 + Math.floor(Math.log1p(-next()) / Math.log1p(-1 / cluster));
  return failed;
}

function countTimes(expected: number, failing: number, times: ResponseTimes, next: Chance): Count {
  let requests = 0;
  let below = 0;
  const buckets = edges.map((le) => {
    const share = le === Infinity ? 1 : normal(Math.log(le / times.median) / times.spread);
    requests += poisson(expected * (share - below), next);
    below = share;
    return { le, count: requests };
  });
  return { requests, errors: Math.min(requests, poisson(requests * failing, next)), buckets };
}

function before(world: World, next: Chance): Release["before"] {
  const perPod = (world.rate * 60) / 4;
  const rate = world.stable(0);
  const pod = (): PodCount => {
    const errors = failures(perPod * rate, world.cluster ?? 1, next);
    return { requests: errors + poisson(perPod * (1 - rate), next), errors };
  };
  return Array.from({ length: 60 }, () => [pod(), pod(), pod(), pod()]);
}

/** The normal distribution function (Abramowitz and Stegun 26.2.17, to seven digits). */
export function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (t *
      (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))) *
      Math.exp((-z * z) / 2)) /
    Math.sqrt(2 * Math.PI);
  return z > 0 ? 1 - tail : tail;
}
