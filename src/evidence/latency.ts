import type { Millis } from "../lib/duration.ts";
import { harmRatios, type Pair } from "./error-ratio.ts";
import { isNoticeable, type MeanTimes, type SmallestDelay, showsAround } from "./mean-times.ts";
import { emptyMixture, grow, logE, type Mixture } from "./mixture.ts";
import { logMeanExp } from "./numerics.ts";
import { oddsEvidence } from "./odds-ratio.ts";
import type { Count } from "./tally.ts";

/** Requests slower than one edge of the histogram, and what they prove. */
export type EdgeEvidence = {
  /** Milliseconds. */
  readonly le: number;
  readonly mixture: Mixture;
  readonly requests: Pair;
  readonly slow: Pair;
};

/** Before `edges` are chosen, stable's histogram is only collected. Without a histogram it stays so. */
export type Latency = {
  /** Stable's requests slower than each edge, until the edges are chosen. */
  readonly profile: {
    readonly requests: number;
    readonly slower: readonly { readonly le: number; readonly count: number }[];
  };
  readonly edges?: readonly EdgeEvidence[];
  /** Missing where nobody counts how long requests took altogether. */
  readonly means?: MeanTimes;
};

export const emptyLatency: Latency = { profile: { requests: 0, slower: [] } };

/** Fewer requests of stable than this do not show which edges are worth watching. */
const enoughToChoose = 100;
/** Fewer response times of the canary than this say little, whatever they are. */
const enoughToCompare = 20;

type CountsOfBoth = { readonly stable: Count; readonly canary: Count };

/**
 * Collects what stable's histogram looks like: during the warm-up, and after it until there is enough. Edges below
 * `slowFrom` ms are left out.
 */
export function profileLatency(latency: Latency, { stable }: CountsOfBoth, slowFrom: Millis = 0): Latency {
  if (latency.edges) return latency;
  const before = new Map(latency.profile.slower.map(({ le, count }) => [le, count]));
  const finite = stable.buckets.filter(({ le }) => le >= slowFrom && Number.isFinite(le));
  const slower = finite.map(({ le, count }) => ({ le, count: (before.get(le) ?? 0) + slowerThan(stable, count) }));
  return {
    profile: {
      requests: latency.profile.requests + all(stable),
      slower: slower.length > 0 ? slower : latency.profile.slower,
    },
  };
}

/**
 * Adds one poll. The edges are those that stable exceeded in 0.1% to 60% of its requests before this poll, and the
 * first that it hardly ever exceeds: what is watched may depend on the past, never on the counts that are judged.
 * One-sided: faster is never bad.
 */
export function growLatency(
  latency: Latency,
  versions: CountsOfBoth,
  marginAt: (le: Millis) => number,
  phi: number,
  slowFrom: Millis = 0,
): Latency {
  const edges = latency.edges ?? chooseEdges(latency.profile);
  if (!edges) return profileLatency(latency, versions, slowFrom);
  return {
    profile: emptyLatency.profile,
    edges: edges.map((edge) => growEdge(edge, versions, marginAt(edge.le), phi)),
  };
}

function chooseEdges({ requests, slower }: Latency["profile"]): readonly EdgeEvidence[] | undefined {
  if (requests < enoughToChoose) return undefined;
  const often = slower.filter(({ count }) => count > 0 && count >= 0.001 * requests && count <= 0.6 * requests);
  // What stable hardly ever exceeds a slower canary will, also where all of stable's requests are between two edges.
  const hardlyEver = slower.filter(({ count }) => count < 0.001 * requests).toSorted((a, b) => a.le - b.le);
  const worthIt = [...often, ...hardlyEver.slice(0, 1)];
  if (worthIt.length === 0) return undefined;
  const none = { stable: 0, canary: 0 };
  return worthIt.map(({ le }) => ({ le, mixture: emptyMixture(40), requests: none, slow: none }));
}

function growEdge(edge: EdgeEvidence, { stable, canary }: CountsOfBoth, margin: number, phi: number): EdgeEvidence {
  const requests = { stable: all(stable), canary: all(canary) };
  const slow = { stable: exceeding(stable, edge.le), canary: exceeding(canary, edge.le) };
  const increments = oddsEvidence(harmRatios(margin), margin, requests, slow);
  return {
    le: edge.le,
    mixture: grow(
      edge.mixture,
      increments.map((log) => log / phi),
    ),
    requests: add(edge.requests, requests),
    slow: add(edge.slow, slow),
  };
}

/**
 * A histogram is there, and the canary's response times have not been compared with stable's by it yet. One that cannot
 * tell, because most of stable's requests are beyond its last edge, leaves nothing to wait for.
 */
export function isUncompared({ profile, edges: [edge] = [] }: Latency): boolean {
  if (edge) return edge.requests.stable === 0 || edge.requests.canary < enoughToCompare;
  if (profile.slower.length === 0) return false;
  return profile.requests < enoughToChoose || chooseEdges(profile) !== undefined;
}

/** What is counted of too few response times; the version that lacks them. Undefined: there are enough. */
export type FewTimes = { readonly of: "stable" | "canary"; readonly counted: number; readonly needed: number };

export function fewTimes({ profile, edges: [edge] = [] }: Latency): FewTimes | undefined {
  if (!edge && profile.slower.length > 0 && profile.requests < enoughToChoose)
    return { of: "stable", counted: profile.requests, needed: enoughToChoose };
  const counted = edge?.requests.canary ?? 0;
  return counted < enoughToCompare ? { of: "canary", counted, needed: enoughToCompare } : undefined;
}

/** Why nothing is known of how long requests take. Undefined: it is, or may still be. */
export type Untimed = "not-counted" | "beyond-the-last-edge";

export function whyUntimed({ profile, edges }: Latency): Untimed | undefined {
  if (edges) return undefined;
  if (profile.slower.length === 0) return "not-counted";
  return profile.requests >= enoughToChoose && !chooseEdges(profile) ? "beyond-the-last-edge" : undefined;
}

/** ln E of all edges, and of averages, together: their mean is an e-value however much they depend on each other. */
export const latencyLogE = (latency: Latency): number => together(latency, () => true);

/** The same without what nobody feels. It only takes proof away, so no promise about false alarms is touched. */
export const feltLogE = (latency: Latency, smallest: SmallestDelay): number =>
  together(latency, isFelt(latency, smallest));

function together({ edges = [], means }: Latency, counts: (edge: EdgeEvidence | undefined) => boolean): number {
  if (edges.length === 0) return 0;
  const logs = edges.map((edge) => (counts(edge) ? logE(edge.mixture) : -Infinity));
  if (means) logs.push(counts(undefined) ? logE(means.mixture) : -Infinity);
  return logMeanExp(logs);
}

/**
 * Where the average hardly moves, an edge proves something only if requests came from far below it, or went far beyond:
 * 24.5ms that become 25.5 cross an edge of 25 with every request. Undefined stands for the average itself.
 */
function isFelt({ means }: Latency, smallest: SmallestDelay): (edge: EdgeEvidence | undefined) => boolean {
  if (!means || isNoticeable(means, smallest)) return () => true;
  return (edge) => edge !== undefined && showsAround(means, edge.le, smallest);
}

/** Of the edges that somebody feels the one that proves most, unless the average does: `undefined`. */
export function slowestEdge(latency: Latency, smallest: SmallestDelay): EdgeEvidence | undefined {
  const { edges = [], means } = latency;
  const felt = edges.filter(isFelt(latency, smallest));
  const [best] = (felt.length > 0 ? felt : edges).toSorted((a, b) => logE(b.mixture) - logE(a.mixture));
  if (best && means && isNoticeable(means, smallest) && logE(means.mixture) > logE(best.mixture)) return undefined;
  return best;
}

const all = ({ buckets }: Count): number => buckets.at(-1)?.count ?? 0;
/** Never negative: a histogram can be read in the middle of an update. */
const slowerThan = (version: Count, atMost: number): number => Math.max(0, all(version) - atMost);
const exceeding = (version: Count, le: number): number =>
  slowerThan(version, version.buckets.find((bucket) => bucket.le === le)?.count ?? all(version));
const add = (a: Pair, b: Pair): Pair => ({ stable: a.stable + b.stable, canary: a.canary + b.canary });
