/** Requests counted for one version. Whole numbers. */
export type Count = {
  readonly requests: number;
  readonly errors: number;
  /**
   * Requests that took at most `le` ms, by edge; edges ascend, the last is Infinity. Empty where response times were
   * not counted.
   */
  readonly buckets: Buckets;
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

const sumOfCounts = (a: Count, b: Count): Count => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  buckets: sumOfBuckets([...a.buckets, ...b.buckets]),
});

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
