import type { Millis } from "../lib/duration.ts";

/** Requests counted for one version. Whole numbers; one that is missing is 0. */
export type Count = {
  /** All that ended, those whose callers did not wait for the end as well. */
  readonly requests: number;
  readonly errors: number;
  /** Those whose callers left before the answer was whole. No failure of anybody, unless more leave one version. */
  readonly givenUp?: number | undefined;
  /** Those that a reset or a time-out behind the proxy ended. Most are errors as well. */
  readonly cutOff?: number | undefined;
  /**
   * Requests that took at most `le` ms, by edge; edges ascend, the last is Infinity. Empty where response times were
   * not counted.
   */
  readonly buckets: Buckets;
  /** How many milliseconds those in `buckets` took altogether; missing where nobody counts it. */
  readonly took?: Millis | undefined;
};

export type Buckets = readonly { readonly le: number; readonly count: number }[];

/** Whose requests they are. `unattributed`: failures of the service that reached no pod. */
export type Attribution = "stable" | "canary" | "unattributed";

export type Tally = { readonly [whose in Attribution]: Count };

export const emptyCount: Count = { requests: 0, errors: 0, buckets: [] };
export const emptyTally: Tally = { stable: emptyCount, canary: emptyCount, unattributed: emptyCount };

/** What both counted together. */
export const sumOf = (a: Tally, b: Tally): Tally => ({
  stable: sumOfCounts(a.stable, b.stable),
  canary: sumOfCounts(a.canary, b.canary),
  unattributed: sumOfCounts(a.unattributed, b.unattributed),
});

export const sumOfCounts = (a: Count, b: Count): Count => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  ...endings(countOf("givenUp", a, b), countOf("cutOff", a, b)),
  buckets: sumOfBuckets([...a.buckets, ...b.buckets]),
  ...timed(sumOfTimes(a, b)),
});

/** The average of requests of which some are not in the sum would be none. */
function sumOfTimes(a: Count, b: Count): Millis | undefined {
  const parts = [a, b].filter(({ buckets, took }) => buckets.length > 0 || took !== undefined);
  const known = parts.flatMap(({ took }) => took ?? []);
  if (known.length === 0 || known.length < parts.length) return undefined;
  return known.reduce((sum, took) => sum + took, 0);
}

export const timed = (took: Millis | undefined): Pick<Count, "took"> => (took === undefined ? {} : { took });

/** What sums of histograms come to: known where each histogram has its own. */
export function timedBy(sums: readonly Millis[], histograms: number): Pick<Count, "took"> {
  if (sums.length === 0 || sums.length !== histograms) return {};
  return { took: Math.round(sums.reduce((total, took) => total + took, 0)) };
}

const countOf = (ending: "givenUp" | "cutOff", a: Count, b: Count): number => (a[ending] ?? 0) + (b[ending] ?? 0);

/** Most services have none of them, and a journal has little room. */
export const endings = (givenUp: number, cutOff: number): Pick<Count, "givenUp" | "cutOff"> => {
  if (givenUp === 0 && cutOff === 0) return {};
  return { givenUp, cutOff };
};

/** By edge. A wider bucket gets at least what the narrower ones hold, also where somebody counted less in it. */
export function sumOfBuckets(buckets: Buckets): Buckets {
  const counts = new Map<number, number>();
  for (const { le, count } of buckets) counts.set(le, (counts.get(le) ?? 0) + count);
  let narrower = 0;
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([le, count]) => {
      narrower = Math.max(narrower, count);
      return { le, count: narrower };
    });
}
