import type { Attribution } from "../../evidence/tally.ts";
import type { LabelNames, MetricNames } from "../../istio/istio-metrics.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import type { Target } from "../../release/target.ts";
import { type Answered, rawCountsOf, type Sample, type SampleLabels, whatIsNoCount } from "./answered.ts";
import type { Bucket, Counter, Ending, Series } from "./snapshot.ts";

/** Counters of requests. What is neither a version's nor a failure of the service is left out. */
export function countersOf(
  answer: Answered,
  target: Target,
  { labels: names, requests }: MetricNames,
): readonly Counter[] | Uncounted {
  const counted = (labels: SampleLabels): Pick<Counter, "origin" | keyof Ending> | undefined => {
    const origin = originOf(labels, target, names);
    const ending = endingOf(labels, names);
    return origin && (origin !== "unattributed" || ending.failed) ? { origin, ...ending } : undefined;
  };
  return countsIn(answer, names, counted, { kind: "requests", metric: requests, telling: tellingLabels(names) });
}

/** Counters of requests that took at most so long. */
export function bucketsOf(
  answer: Answered,
  target: Target,
  { labels: names, durations }: MetricNames,
): readonly Bucket[] | Uncounted {
  const counted = (labels: SampleLabels): Pick<Bucket, "origin" | "le"> | undefined => {
    const origin = originOf(labels, target, names);
    const le = edgeOf(labels.le);
    return origin && le !== undefined ? { origin, le } : undefined;
  };
  const telling = [...tellingLabels(names), "le"];
  return countsIn(answer, names, counted, { kind: "bucket", metric: durations, telling });
}

/** What the series' key begins with, the metric's name, and the labels by which a message tells its series apart. */
type CounterFamily = { readonly kind: string; readonly metric: string; readonly telling: readonly string[] };

/** The series of an answer that are counted: as what, their labels say. */
function countsIn<What extends object>(
  answer: Answered,
  names: LabelNames,
  counted: (labels: SampleLabels) => What | undefined,
  { kind, metric, telling }: CounterFamily,
): readonly (What & Omit<Series, "origin">)[] | Uncounted {
  const { samples, none, scrapedAt } = partsOf(answer, names);
  const wrong = none.filter(({ labels }) => counted(labels));
  const uncounted = whatIsNoCount(wrong, metric, telling);
  if (uncounted) return uncounted;
  return samples.flatMap(({ labels, value }) => {
    const what = counted(labels);
    return what ? [{ ...seriesOf(kind, labels, names), ...what, value, scraped: scrapedAt(labels) }] : [];
  });
}

/** Counters, and the times of their last scrapes: those come without the reporter's label, one for a whole histogram. */
function partsOf({ samples, none }: Answered, { reporter }: LabelNames) {
  const isTime = ({ labels }: Sample): boolean => !(reporter in labels);
  const keyOf = (labels: SampleLabels): string => canonical(labels, [reporter, "le"]);
  const times = new Map(
    samples.filter(isTime).map(({ labels, value }) => [keyOf(labels), Math.round(value * 1_000)] as const),
  );
  return {
    ...rawCountsOf({ samples: samples.filter((sample) => !isTime(sample)), none }),
    scrapedAt: (labels: SampleLabels): Instant | undefined => times.get(keyOf(labels)),
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

function originOf(
  labels: SampleLabels,
  { namespace, service, stable, canary }: Target,
  names: LabelNames,
): Attribution | undefined {
  const workload = labels[names.workload];
  if (workload === stable.deployment) return "stable";
  if (workload === canary.deployment) return "canary";
  // A short Host header names a service of the caller's own namespace.
  const host = labels[names.service] ?? service;
  const foreign = !host.includes(".") && (labels[names.sourceNamespace] ?? namespace) !== namespace;
  return workload === "unknown" && !foreign ? "unattributed" : undefined;
}

/** gRPC answers 200 and says in a status of its own how it went; every one but 0 (OK) is a failure. */
const isFailure = (labels: SampleLabels, { code, grpc }: LabelNames): boolean =>
  /^5\d\d$/.test(labels[code] ?? "") || !["", "0"].includes(labels[grpc] ?? "");

/**
 * Code 0 is no answer: nobody was there to give one, or the caller left, which Envoy's flags say
 * (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags).
 */
function endingOf(labels: SampleLabels, names: LabelNames): Ending {
  const flags = (labels[names.flags] ?? "").split(",");
  const has = (some: ReadonlySet<string>): boolean => flags.some((flag) => some.has(flag));
  const failed = isFailure(labels, names) || (labels[names.code] === "0" && has(nobodyThere));
  return { failed, givenUp: !failed && has(callerLeft), cutOff: has(resetsAndTimeOuts) };
}

const nobodyThere: ReadonlySet<string> = new Set(["UF", "UH", "NC"]);
/** A closed connection, and a stream that the caller reset (HTTP/2, gRPC). */
const callerLeft: ReadonlySet<string> = new Set(["DC", "DR"]);
/** In the order of Envoy's list: a time-out, retries used up, resets of all kinds, an idle stream, one that took too long. */
const resetsAndTimeOuts: ReadonlySet<string> = new Set(["UT", "URX", "LR", "UR", "UC", "UPE", "SI", "UMSDR", "DT"]);

/**
 * Which series it is, and the process behind it: the pod where Prometheus finds targets in Kubernetes, otherwise the
 * target's address.
 */
const seriesOf = (metric: string, labels: SampleLabels, { pod }: LabelNames): Pick<Counter, "series" | "process"> => ({
  series: metric + canonical(labels),
  process: labels[pod] ?? labels.instance ?? "",
});

/**
 * The same for the same labels at every look, in whichever order they come; a metric's name is not always among them.
 */
function canonical(labels: SampleLabels, without: readonly string[] = []): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== "__name__" && !without.includes(name));
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function edgeOf(le: string | undefined): number | undefined {
  const edge = le === "+Inf" ? Infinity : Number(le || Number.NaN);
  return Number.isNaN(edge) ? undefined : edge;
}
