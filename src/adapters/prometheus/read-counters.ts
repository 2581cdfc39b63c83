import type { Instant, Millis } from "../../lib/duration.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import type { Target } from "../../release/target.ts";
import { samplesOf } from "./answered.ts";
import { bucketsOf, countersOf } from "./counters.ts";
import { type ProxyChoice, proxiesIn } from "./counting-proxy.ts";
import { instantQuery } from "./instant-query.ts";
import type { CountingProxy, PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";
import type { Snapshot } from "./snapshot.ts";

/** Both versions' own proxies have to have been scraped; one proxy that counts both is newest at once. */
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
  return { at, requests: counted, buckets: measured };
}

/** The counters as they are. Those that stand still because nobody reads them would let a gate pass on old evidence. */
export async function readNewest(
  prometheus: PrometheusOptions,
  choice: ProxyChoice,
  moment: Instant,
  signal: AbortSignal,
): Promise<Snapshot | Uncounted> {
  const proxy = await choice.decide(moment, signal);
  if (typeof proxy !== "string") return proxy;
  const at = settled(moment, proxy, prometheus.interval);
  const { newest, present } = seriesSelectors(prometheus.target, proxy, prometheus);
  const [snapshot, counting] = await Promise.all([
    readCounters(prometheus, newest, at, signal),
    instantQuery(prometheus, present, at, signal),
  ]);
  if ("because" in snapshot) return snapshot;
  if ("because" in counting) return counting;
  choice.learn(proxiesIn(counting, prometheus));
  const { reporter } = prometheus.labels;
  const isAlive = samplesOf(counting).some(({ labels }) => labels[reporter] === proxy);
  return hasVersions(snapshot) && !isAlive ? { because: gone(prometheus.target) } : snapshot;
}

export const hasVersions = ({ requests }: Snapshot): boolean =>
  requests.some(({ origin }) => origin !== "unattributed");

const gone = ({ stable, canary }: Target): string =>
  `Prometheus has no counter of ${stable.deployment} or ${canary.deployment} any more: the proxies that counted are gone, or could not be scraped`;
