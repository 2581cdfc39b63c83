import type { Instant, Millis } from "../../lib/duration.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import { bucketsOf, countersOf, timesOf } from "./counters.ts";
import type { ProxyChoice } from "./counting-proxy.ts";
import { instantQuery, theirs } from "./instant-query.ts";
import type { CountingProxy, PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";
import { isOfVersion, type Snapshot } from "./snapshot.ts";

/** The end of a window in which both versions' own proxies have been scraped; one proxy that counts both is newest at once. */
export const settled = (at: Instant, proxy: CountingProxy, interval: Millis): Instant =>
  proxy === "destination" ? at - interval : at;

/** The counters that two queries give. Rejects only when aborted, as what is below. */
export async function readCounters(
  prometheus: PrometheusOptions,
  { requests, buckets }: { readonly requests: string; readonly buckets: string },
  at: Instant,
  signal: AbortSignal,
): Promise<Snapshot | Uncounted> {
  const [counters, histograms] = await Promise.all([
    instantQuery(prometheus, requests, at, signal),
    instantQuery(prometheus, buckets, at, signal),
  ]);
  if ("because" in counters) return counters;
  if ("because" in histograms) return histograms;
  const counted = countersOf(counters, prometheus.target, prometheus);
  const measured = bucketsOf(histograms, prometheus.target, prometheus);
  if ("because" in counted) return counted;
  if ("because" in measured) return measured;
  const times = timesOf(histograms, prometheus.target, prometheus);
  return { at, asked: theirs(prometheus, at), requests: counted, buckets: measured, times };
}

/** The newest samples, of whichever proxy counts. */
export async function readNewest(
  prometheus: PrometheusOptions,
  choice: ProxyChoice,
  moment: Instant,
  signal: AbortSignal,
): Promise<(Snapshot & { readonly proxy: CountingProxy }) | Uncounted> {
  const proxy = await choice.decide(prometheus, moment, signal);
  if (typeof proxy !== "string") return proxy;
  const { newest } = seriesSelectors(prometheus.target, proxy, prometheus);
  const snapshot = await readCounters(prometheus, newest, moment, signal);
  return "because" in snapshot ? snapshot : { ...snapshot, proxy };
}

export const hasVersions = ({ requests }: Snapshot): boolean => requests.some(isOfVersion);
