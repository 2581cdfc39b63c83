import type { Millis } from "../lib/duration.ts";
import type { Settings } from "./defaults.ts";
import type { Pair } from "./error-ratio.ts";
import { addExcess, type Excess, noExcess } from "./excess.ts";
import { emptyMixture, grow, type Mixture } from "./mixture.ts";
import type { Poll } from "./poll.ts";

/** Requests, and how many milliseconds they took altogether. */
type Timed = { readonly requests: Pair; readonly took: Pair };

/**
 * How long requests take on average: what is slower within one bucket shows there and nowhere else. An average has no
 * law of its own, and a few requests may make most of it, so that no more is asked than whose is larger, in one block of
 * polls after the other.
 */
export type MeanTimes = {
  /** What no block has yet, and the weight that it is of. */
  readonly open: Timed & { readonly weight: number };
  readonly all: Timed;
  /** How many milliseconds longer the canary's take. */
  readonly excess: Excess;
  /** Against "the canary's take longer than allowed in half of all blocks at most". */
  readonly mixture: Mixture;
  /** Requests beyond each edge of the histogram. */
  readonly beyond: readonly { readonly le: Millis; readonly slow: Pair }[];
};

/** A smaller difference than the larger of both is felt by nobody. */
export type SmallestDelay = Pick<Settings, "slowerBy" | "slowerByPart">;

const nobody: Pair = { stable: 0, canary: 0 };
const nothing: Timed = { requests: nobody, took: nobody };
/** How often the canary's average may be the larger one, beside half of the time. */
const often = [0.6, 0.7, 0.8, 0.9, 0.95];

const noMeans: MeanTimes = {
  open: { ...nothing, weight: 0 },
  all: nothing,
  excess: noExcess,
  mixture: emptyMixture(often.length),
  beyond: [],
};

/** Fewer requests of one version have no average worth the name. */
const enough = 20;

/** Averages after one more poll. `margin`: how many times as long healthy pods alone make a canary's requests take. */
export function growMeans(
  means: MeanTimes | undefined,
  poll: Poll,
  margin: number,
  settings: SmallestDelay & Pick<Settings, "latencyPhi">,
): MeanTimes | undefined {
  const counted = timedIn(poll);
  if (!counted) return means;
  const { open, all, excess, mixture, beyond } = means ?? noMeans;
  const grown = {
    all: add(all, counted),
    excess: addExcess(excess, counted.requests, counted.took),
    beyond: addBeyond(beyond, poll),
  };
  const { weight } = poll;
  const block = add(open.weight === weight ? open : nothing, counted);
  if (Math.min(block.requests.stable, block.requests.canary) < enough)
    return { ...grown, mixture, open: { ...block, weight } };
  const increments = betsOn(block, weight, margin, settings).map((log) => log / settings.latencyPhi);
  return { ...grown, mixture: grow(mixture, increments), open: { ...nothing, weight } };
}

/**
 * Response times have a long tail, so that the average of few requests is seldom above that of many. With more than half
 * of the traffic it is the canary that has the many, and nothing is asked.
 */
function betsOn(block: Timed, weight: number, margin: number, smallest: SmallestDelay): readonly number[] {
  if (weight > 50) return often.map(() => 0);
  const { stable, canary } = meansOf(block);
  const isLonger = canary > margin * (stable + leastDelay(stable, smallest));
  return often.map((part) => Math.log(2 * (isLonger ? part : 1 - part)));
}

/** Whether the canary's requests take so much longer that somebody feels it. */
export function isNoticeable({ all, excess }: MeanTimes, smallest: SmallestDelay): boolean {
  return excess.above >= leastDelay(meansOf(all).stable, smallest) * excess.requests;
}

/**
 * Whether at least half of those that are beyond an edge too often came from far below it, or went far beyond: to the
 * next edge that is not too near.
 */
export function showsAround({ all, beyond }: MeanTimes, le: Millis, smallest: SmallestDelay): boolean {
  const far = leastDelay(le, smallest);
  const tooMany = (slow: Pair): number => slow.canary / all.requests.canary - slow.stable / all.requests.stable;
  const here = beyond.find((edge) => edge.le === le);
  const around = [beyond.findLast((edge) => edge.le <= le - far), beyond.find((edge) => edge.le >= le + far)];
  return here === undefined || around.some((edge) => edge && tooMany(edge.slow) >= tooMany(here.slow) / 2);
}

/** What requests take on average, in milliseconds. */
export const meansOf = ({ requests, took }: Timed): Pair => ({
  stable: took.stable / Math.max(1, requests.stable),
  canary: took.canary / Math.max(1, requests.canary),
});

const leastDelay = (time: Millis, { slowerBy, slowerByPart }: SmallestDelay): Millis =>
  Math.max(slowerBy, slowerByPart * time);

/** Undefined where one of them has response times and no sum of them. */
function timedIn({ stable, canary }: Poll): Timed | undefined {
  const requests = { stable: stable.buckets.at(-1)?.count ?? 0, canary: canary.buckets.at(-1)?.count ?? 0 };
  const isLacking = [stable, canary].some(({ buckets, took }) => buckets.length > 0 && took === undefined);
  if (isLacking || requests.stable + requests.canary === 0) return undefined;
  return { requests, took: { stable: stable.took ?? 0, canary: canary.took ?? 0 } };
}

function addBeyond(before: MeanTimes["beyond"], { stable, canary }: Poll): MeanTimes["beyond"] {
  const edges = [...new Set([...before, ...stable.buckets, ...canary.buckets].map(({ le }) => le))];
  const slow = ({ buckets }: Poll["stable"], le: Millis): number => {
    const all = buckets.at(-1)?.count ?? 0;
    return Math.max(0, all - (buckets.find((bucket) => bucket.le === le)?.count ?? all));
  };
  return edges
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
    .map((le) => {
      const known = before.find((edge) => edge.le === le)?.slow ?? nobody;
      return { le, slow: { stable: known.stable + slow(stable, le), canary: known.canary + slow(canary, le) } };
    });
}

const add = (a: Timed, b: Timed): Timed => ({
  requests: sum(a.requests, b.requests),
  took: sum(a.took, b.took),
});
const sum = (a: Pair, b: Pair): Pair => ({ stable: a.stable + b.stable, canary: a.canary + b.canary });
