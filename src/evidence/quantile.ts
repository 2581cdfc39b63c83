import type { Count } from "./tally.ts";

/**
 * The upper edge of the bucket in which the quantile lies, in ms; undefined without requests.
 * An edge and not an interpolation: within a bucket nothing is known, so the honest answer is "at most this".
 * Infinity in the last bucket: slower than every edge. (The highest finite edge, which others answer there, would pass
 * a limit of just that edge.)
 */
export function quantileOf(buckets: Count["buckets"], quantile: number): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  // Divided and not multiplied: 0.07 * 100 is more than 7, but 7 / 100 is 0.07.
  return total === 0 ? undefined : buckets.find(({ count }) => count / total >= quantile)?.le;
}
