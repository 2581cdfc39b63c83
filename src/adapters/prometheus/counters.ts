import {
  canonicalLabels,
  type Ending,
  edgeOf,
  endingOf,
  receiverOf,
  type SeriesLabels,
} from "../../istio/counted-request.ts";
import type { LabelNames, MetricNames } from "../../istio/istio-metrics.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import type { Target } from "../../release/target.ts";
import { type Answered, rawCountsOf, type Sample, whatIsNoCount } from "./answered.ts";
import { classicOf, keepEdges, type NativeEdges } from "./native-buckets.ts";
import type { Bucket, Counter, Series } from "./snapshot.ts";

/** Counters of requests. What is neither a version's nor a failure of the service is left out. */
export function countersOf(
  answer: Answered,
  target: Target,
  { labels: names, requests }: MetricNames,
): readonly Counter[] | Uncounted {
  const counted = (labels: SeriesLabels): Pick<Counter, "origin" | keyof Ending> | undefined => {
    const origin = receiverOf(labels, target, names);
    const ending = endingOf(labels, names);
    if (origin && (origin !== "unattributed" || ending.failed)) return { origin, ...ending };
    return undefined;
  };
  return countsIn(answer, names, counted, { kind: "requests", metric: requests, telling: tellingLabels(names) });
}

/** Counters of requests that took at most so long. */
export function bucketsOf(
  answer: Answered,
  target: Target,
  { labels: names, durations, nativeEdges = keepEdges() }: MetricNames & { readonly nativeEdges?: NativeEdges },
): readonly Bucket[] | Uncounted {
  const counted = (labels: SeriesLabels): Pick<Bucket, "origin" | "le"> | undefined => {
    const origin = receiverOf(labels, target, names);
    const le = edgeOf(labels.le);
    if (origin && le !== undefined) return { origin, le };
    return undefined;
  };
  const telling = [...tellingLabels(names), "le"];
  const classic = countsIn(answer, names, counted, { kind: "bucket", metric: durations, telling });
  if ("because" in classic || classic.length > 0 || answer.histograms.length === 0) return classic;
  return countsIn(withoutNative(answer, nativeEdges), names, counted, { kind: "bucket", metric: durations, telling });
}

/** How long requests took altogether. What is no such time is as good as none: nothing but averages rests on it. */
export function timesOf(
  answer: Answered,
  target: Target,
  { labels: names }: Pick<MetricNames, "labels">,
): readonly Series[] {
  const { samples, scrapedAt } = partsOf(answer, names);
  const ofNative = answer.histograms.map(({ labels, sum }) => ({ labels, value: sum }));
  const classic = samples.filter(({ labels }) => labels.le === undefined);
  return [...classic, ...(classic.length > 0 ? [] : ofNative)].flatMap(({ labels, value }) => {
    const origin = receiverOf(labels, target, names);
    if (!origin || !(value >= 0 && value < Infinity)) return [];
    return [{ ...seriesOf("time", labels, names), origin, value, scraped: scrapedAt(labels) }];
  });
}

/** Native histograms as classic ones; those that are kept as both are read as they are. */
function withoutNative({ histograms, samples, none, at }: Answered, nativeEdges: NativeEdges): Answered {
  const edges = nativeEdges(histograms);
  const buckets = histograms.flatMap((native) =>
    classicOf(native, edges).map(({ le, count }) => ({
      labels: { ...native.labels, le: le === Infinity ? "+Inf" : String(le) },
      value: count,
    })),
  );
  return { at, none, histograms: [], samples: [...samples, ...buckets] };
}

/** What the series' key begins with, the metric's name, and the labels by which a message tells its series apart. */
type CounterFamily = { readonly kind: string; readonly metric: string; readonly telling: readonly string[] };

/** The series of an answer that are counted: as what, their labels say. */
function countsIn<What extends object>(
  answer: Answered,
  names: LabelNames,
  counted: (labels: SeriesLabels) => What | undefined,
  { kind, metric, telling }: CounterFamily,
): readonly (What & Omit<Series, "origin">)[] | Uncounted {
  const { scrapedAt, ...parts } = partsOf(answer, names);
  const { samples, none } = rawCountsOf(parts);
  const wrong = none.filter(({ labels }) => counted(labels));
  const uncounted = whatIsNoCount(wrong, metric, telling);
  if (uncounted) return uncounted;
  return samples.flatMap(({ labels, value }) => {
    const what = counted(labels);
    if (what) return [{ ...seriesOf(kind, labels, names), ...what, value, scraped: scrapedAt(labels) }];
    return [];
  });
}

/** Counters, and the times of their last scrapes: those come without the reporter's label, one for a whole histogram. */
function partsOf({ samples, none }: Pick<Answered, "samples" | "none">, { reporter }: LabelNames) {
  const isTime = ({ labels }: Sample): boolean => !(reporter in labels);
  const keyOf = (labels: SeriesLabels): string => canonicalLabels(labels, [reporter, "le"]);
  const times = new Map(
    samples.filter(isTime).map(({ labels, value }) => [keyOf(labels), Math.round(value * 1_000)] as const),
  );
  return {
    samples: samples.filter((sample) => !isTime(sample)),
    none,
    scrapedAt: (labels: SeriesLabels): Instant | undefined => times.get(keyOf(labels)),
  };
}

/** Those by which a person finds a series. */
const tellingLabels = ({ reporter, workload, code, grpc, pod }: LabelNames): readonly string[] => [
  reporter,
  workload,
  code,
  grpc,
  pod,
  "instance",
];

/**
 * Which series it is, and the process behind it: the pod where Prometheus finds targets in Kubernetes, otherwise the
 * target's address.
 */
const seriesOf = (metric: string, labels: SeriesLabels, { pod }: LabelNames): Pick<Counter, "series" | "process"> => ({
  series: metric + canonicalLabels(labels),
  process: labels[pod] ?? labels.instance ?? "",
});
