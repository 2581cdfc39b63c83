import { drop, keyOf, type Labels, type Sample } from "./value.ts";

type Bucket = { readonly le: number; readonly count: number };

/** `histogram_quantile()` of classic histograms, one for each label set apart from `le`. */
export function histogramQuantile(quantile: number, buckets: readonly Sample[]): readonly Sample[] {
  const histograms = new Map<string, { readonly labels: Labels; readonly buckets: Bucket[] }>();
  for (const { labels, value } of buckets) {
    const le = edgeOf(labels.le);
    if (Number.isNaN(le)) continue;
    const rest = drop(labels, ["le", "__name__"]);
    const histogram = histograms.get(keyOf(rest)) ?? { labels: rest, buckets: [] };
    histograms.set(keyOf(rest), histogram);
    histogram.buckets.push({ le, count: value });
  }
  return [...histograms.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(quantile, buckets) }));
}

const edgeOf = (le: string | undefined): number =>
  le === "+Inf" || le === "Inf" ? Infinity : le === undefined || le === "" ? Number.NaN : Number(le);

/** Linear within a bucket; in the last one its lower edge (prometheus/prometheus, promql/quantile.go, BucketQuantile). */
function bucketQuantile(quantile: number, unsorted: readonly Bucket[]): number {
  if (Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return -Infinity;
  if (quantile > 1) return Infinity;
  const buckets = cumulative(unsorted);
  const last = buckets.at(-1);
  if (last?.le !== Infinity || buckets.length < 2 || last.count === 0 || Number.isNaN(last.count)) return Number.NaN;

  const rank = quantile * last.count;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const bucket = buckets[index];
  const before = buckets[index - 1];
  if (!bucket || index === buckets.length - 1) return buckets.at(-2)?.le ?? Number.NaN;
  if (!before && bucket.le <= 0) return bucket.le;
  const start = before?.le ?? 0;
  const below = before?.count ?? 0;
  return start + (bucket.le - start) * ((rank - below) / (bucket.count - below));
}

/** Buckets of one edge add up, and none holds fewer than a narrower one. */
function cumulative(buckets: readonly Bucket[]): readonly Bucket[] {
  const counts = new Map<number, number>();
  for (const { le, count } of buckets) counts.set(le, (counts.get(le) ?? 0) + count);
  let narrower = -Infinity;
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([le, count]) => {
      narrower = Math.max(narrower, count);
      return { le, count: narrower };
    });
}
