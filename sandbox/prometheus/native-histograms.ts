import type { Exposed } from "./exposition.ts";
import { drop, type Histogram, keyOf } from "./value.ts";

const suffix = /_bucket$/;

/**
 * Histograms become one series each, with the edges that they have (NHCB), and their classic series are not kept:
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config
 */
export function withNative(exposed: readonly Exposed[]): readonly Exposed[] {
  const nameOf = ({ labels }: Exposed): string => labels.__name__ ?? "";
  const buckets = exposed.filter((one) => suffix.test(nameOf(one)));
  const classic = new Set(buckets.map((one) => nameOf(one).replace(suffix, "")));
  const isClassic = (one: Exposed): boolean => classic.has(nameOf(one).replace(/_(bucket|sum|count)$/, ""));
  const histograms = Map.groupBy(buckets, ({ labels }) => keyOf(drop(labels, ["le"])));
  const sums = new Map(exposed.map((one) => [keyOf(one.labels), one]));
  return [
    ...exposed.filter((one) => !isClassic(one)),
    ...[...histograms.values()].flatMap((own): readonly Exposed[] => {
      const [first] = own;
      if (!first) return [];
      const labels = { ...drop(first.labels, ["le"]), __name__: nameOf(first).replace(suffix, "") };
      const { value: sum = 0 } = sums.get(keyOf({ ...labels, __name__: `${labels.__name__}_sum` })) ?? {};
      return [{ labels, value: Number.NaN, histogram: histogramOf(own, sum) }];
    }),
  ];
}

function histogramOf(buckets: readonly Exposed[], sum: number): Histogram {
  const edges = buckets
    .map(({ labels, value }) => ({ to: labels.le === "+Inf" ? Infinity : Number(labels.le), within: value }))
    .sort((a, b) => a.to - b.to);
  return {
    count: edges.at(-1)?.within ?? 0,
    sum,
    buckets: edges
      .map(({ to, within }, index) => {
        const { to: from = -Infinity, within: below = 0 } = edges[index - 1] ?? {};
        return { from, to, count: within - below };
      })
      .filter(({ count }) => count > 0),
  };
}
