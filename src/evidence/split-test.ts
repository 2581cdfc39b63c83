import type { Millis } from "../lib/duration.ts";
import type { Settings } from "./defaults.ts";
import type { Pair } from "./error-ratio.ts";
import { logBeta, logMeanExp, xlogy } from "./numerics.ts";
import type { Poll } from "./poll.ts";

/** Requests counted at the planned weight of now, and what earlier weights have proved. */
export type SplitCount = {
  /** Whole percents; undefined before the first poll. */
  readonly weight?: number;
  /** How old the canary was at the first poll with this weight. */
  readonly since: Millis;
  /** How old it was when the counts below begin. Undefined: nothing was counted yet that was surely served at it. */
  readonly from?: Millis;
  /** Requests that did not go to the canary are stable's here, those that reached no pod as well. */
  readonly requests: Pair;
  /** Failures among them that reached no pod. */
  readonly lost: number;
  /** How many more requests waited at the canary's pods than at as many of stable's, when somebody looked last. */
  readonly waiting?: number;
  /** ln E of the earlier weights: for more than planned, and for less. */
  readonly earlier: { readonly more: number; readonly less: number };
};

export const emptySplit: SplitCount = {
  since: 0,
  requests: { stable: 0, canary: 0 },
  lost: 0,
  earlier: { more: 0, less: 0 },
};

/** What a poll counted was served at this weight: all who counted it had been read after the weight was written. */
export const isServedAt = ({ weight, since }: SplitCount, poll: Poll): boolean =>
  poll.weight === weight && poll.from >= since;

/** Adds the requests of one poll, unless some of them may have been served at the old weight. */
export function countSplit(split: SplitCount, poll: Poll, { split: rules }: Settings): SplitCount {
  const { weight, age, stable, canary, lost } = poll;
  if (weight !== split.weight) return { ...emptySplit, weight, since: age, earlier: splitEvidence(split, rules) };
  const waiting = poll.waiting ?? split.waiting;
  const seen = waiting === undefined ? split : { ...split, waiting };
  if (!isServedAt(split, poll) || stable.requests + canary.requests + lost === 0) return seen;
  const requests = {
    stable: split.requests.stable + stable.requests + lost,
    canary: split.requests.canary + canary.requests,
  };
  return { ...seen, from: split.from ?? poll.from, requests, lost: split.lost + lost };
}

/**
 * A count that has only begun may have one more scrape of one version than of the other, or one burst: it speaks after
 * so many.
 */
const scrapesToSpeak = 8;

export const hasSettled = ({ from = Infinity }: SplitCount, age: Millis, { scrape }: Settings): boolean =>
  age - from >= scrapesToSpeak * scrape;

/**
 * ln E that the canary's share of all requests is above what was planned, and that it is below.
 * Where testers come in beside the weight, more is nothing that could be proven.
 * The tolerance is a part of the smaller of the two planned shares, so 90% is as strict as 10%; 1 takes every split
 * as planned.
 */
export function splitEvidence(
  { weight, requests, earlier }: SplitCount,
  { tolerance, atLeast }: Pick<Settings["split"], "tolerance" | "atLeast">,
): { readonly more: number; readonly less: number } {
  const planned = (weight ?? 0) / 100;
  const slack = tolerance * Math.min(planned, 1 - planned);
  if (planned <= 0 || planned >= 1 || tolerance >= 1) return earlier;
  return {
    more: atLeast ? earlier.more : earlier.more + shareAbove(planned + slack, requests.canary, requests.stable),
    less: earlier.less + shareAbove(1 - planned + slack, requests.stable, requests.canary),
  };
}

/**
 * ln E that a share is above `limit`, after `inside` requests in it and `outside` not. The stakes are on shares above
 * the limit only, spread as a beta distribution around it, once widely (κ = 100) and once closely (κ = 10,000):
 * stakes on both sides, as in the two-sided sample-ratio test, would also win when the share is merely below.
 */
export function shareAbove(limit: number, inside: number, outside: number): number {
  const spreads = [100, 10_000].map((strength) => {
    const [a, b] = [strength * limit, strength * (1 - limit)];
    return logUpperBeta(limit, a + inside, b + outside) - logUpperBeta(limit, a, b);
  });
  return logMeanExp(spreads) - xlogy(inside, limit) - outside * Math.log1p(-limit);
}

/** ln ∫ t^(a−1) (1−t)^(b−1) dt from x to 1. */
function logUpperBeta(x: number, a: number, b: number): number {
  const edge = xlogy(a, x) + b * Math.log1p(-x);
  if (1 - x < (b + 1) / (a + b + 2)) return edge - Math.log(b) + Math.log(betaFraction(1 - x, b, a));
  const whole = logBeta(a, b);
  return whole + Math.log1p(-Math.exp(edge - Math.log(a) + Math.log(betaFraction(x, a, b)) - whole));
}

/** The continued fraction of the incomplete beta function (https://dlmf.nist.gov/8.17.E22), by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 200_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}
