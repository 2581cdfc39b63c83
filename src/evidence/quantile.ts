import type { Count } from "./tally.ts";

/**
 * The upper edge of the bucket in which the quantile lies, in ms; undefined without requests.
 * An edge and not an interpolation: within a bucket nothing is known, so the honest answer is "at most this".
 * In the last bucket (no upper edge) it is the highest finite edge, as Prometheus answers too.
 */
export function quantileOf(buckets: Count["buckets"], quantile: number): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  const edge = buckets.find(({ count }) => count >= quantile * total)?.le ?? Infinity;
  return edge === Infinity ? (buckets.at(-2)?.le ?? Infinity) : edge;
}
