import type { Attribution } from "../../evidence/tally.ts";
import {
  calls,
  canonicalLabels,
  type Ending,
  edgeOf,
  endingOf,
  isInjected,
  isUnsent,
  receiverOf,
  type SeriesLabels,
} from "../../istio/counted-request.ts";
import { sumOfDurations } from "../../istio/istio-metrics.ts";
import { type ShownSeries, seriesIn, sumsIn } from "../../istio/metrics-text.ts";
import type { CountingSide, ProxiesOptions } from "./proxies-options.ts";
import type { ProxyPod } from "./roster.ts";

/**
 * A counter of one pod that counts for the release: of requests, of those that took at most `le` milliseconds, or of the
 * milliseconds that they took altogether.
 */
export type PodCounter = {
  readonly series: string;
  readonly origin: Attribution;
  readonly value: number;
} & (Ending | { readonly le: number } | { readonly unit: "ms" });

type CountedAs = { readonly origin: Attribution } & Ending;

/** Reads what a pod shows. `reporter`: whose counters the release is judged by. */
export function countersOfPod(
  text: string,
  pod: Pick<ProxyPod, "of">,
  reporter: CountingSide,
  options: ProxiesOptions,
): readonly PodCounter[] {
  const { requests, durations } = options;
  const counted = (labels: SeriesLabels): CountedAs | undefined => countedAs(labels, pod, reporter, options);
  const ofRequests = seriesIn(text, requests).flatMap(({ labels, value }): readonly PodCounter[] => {
    const what = counted(labels);
    return what ? [{ series: canonicalLabels(labels), value, ...what }] : [];
  });
  const ofDurations = seriesIn(text, durations).flatMap(({ labels, value }): readonly PodCounter[] => {
    const what = counted(labels);
    const le = edgeOf(labels.le);
    if (!what || what.origin === "unattributed" || le === undefined) return [];
    return [{ series: canonicalLabels(labels), value, origin: what.origin, le }];
  });
  const ofTimes = sumsIn(text, sumOfDurations(durations)).flatMap(
    ({ labels, value }: ShownSeries): readonly PodCounter[] => {
      const what = counted(labels);
      if (!what || what.origin === "unattributed") return [];
      return [{ series: canonicalLabels(labels), value, origin: what.origin, unit: "ms" }];
    },
  );
  return [...ofRequests, ...ofDurations, ...ofTimes];
}

/**
 * A version's own proxy counts what reached it. Then of a gateway only that counts which no pod has: what it could not
 * send. A time-out of the route is a caller that left, where the pod counts.
 */
function countedAs(
  labels: SeriesLabels,
  { of }: Pick<ProxyPod, "of">,
  reporter: CountingSide,
  { labels: names, target }: ProxiesOptions,
): CountedAs | undefined {
  const own = sides[of];
  const origin = receiverOf(labels, target, names);
  if (labels[names.reporter] !== own || origin === undefined || isInjected(labels, names)) return undefined;
  const ending = endingOf(labels, names);
  const { namespace, service, stable, canary } = target;
  if (origin === "unattributed")
    return ending.failed && calls(labels, namespace, [service, stable.host, canary.host], names)
      ? { origin, ...ending }
      : undefined;
  if (labels[names.namespace] !== namespace || (own === "destination" && origin !== of)) return undefined;
  const isPodsOwn = own === "source" && reporter === "destination" && !(ending.failed && isUnsent(labels, names));
  return isPodsOwn ? undefined : { origin, ...ending };
}

const sides: Readonly<Record<ProxyPod["of"], CountingSide>> = {
  stable: "destination",
  canary: "destination",
  gateway: "source",
  waypoint: "waypoint",
};
