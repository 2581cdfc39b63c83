import type { Config, MetricsConfig } from "../config/config.ts";
import { placeOf } from "../lib/credentials.ts";
import type { KeptMetrics } from "../release/kept-metrics.ts";
import type { ReleaseRecord } from "../release/release-record.ts";

/** What of it the journal may keep. */
export function keptMetrics({ metrics }: Config): KeptMetrics | undefined {
  if (!metrics) return undefined;
  const { source, prometheus, headers, reporter, interval, timeout, requests, durations, labels } = metrics;
  return {
    ...(source === "proxies" ? { source } : {}),
    ...keptAddress(prometheus),
    headers: Object.keys(headers),
    reporter,
    interval,
    timeout,
    requests,
    durations,
    labels: { ...labels },
  };
}

function keptAddress(prometheus: string): Pick<KeptMetrics, "url" | "login"> {
  if (prometheus === "") return { url: "", login: false };
  const { username, password, search } = new URL(prometheus);
  return { url: placeOf(prometheus), login: [username, password, search].some((part) => part !== "") };
}

/**
 * Where the requests of a release are counted: as this job was told, else as the job was told that began it. What was
 * asked with a secret has to be said again, its address too: whoever can write a journal must not learn it.
 */
export function metricsFor(
  { metrics, metricsBesideAddress: beside = {} }: Config,
  { metrics: kept }: Pick<ReleaseRecord, "metrics">,
): MetricsConfig | undefined {
  if (metrics || !kept || needsSecrets(kept) || beside.headers) return metrics;
  const { source = "prometheus", url: prometheus, login: _, headers: __, ...names } = kept;
  const isAddress = /^(https?|service):/.test(prometheus) || (source === "proxies" && prometheus === "");
  return isAddress ? { source, prometheus, headers: {}, ...names, ...beside } : undefined;
}

export const needsSecrets = ({ login, headers }: KeptMetrics): boolean => login || headers.length > 0;
