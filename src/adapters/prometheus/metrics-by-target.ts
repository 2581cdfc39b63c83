import type { Metrics } from "../../ports/metrics.ts";
import { noMetrics } from "../../ports/no-metrics.ts";
import type { Target } from "../../release/target.ts";
import { prometheus } from "./prometheus.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";

/**
 * What counts the requests of a target: one for the same two versions, so that the release reads what the preflight has
 * announced, and another when their roles are exchanged. `options` are undefined where no Prometheus is configured.
 */
export function metricsByTarget(options: Omit<PrometheusOptions, "target"> | undefined): (target: Target) => Metrics {
  const known = new Map<string, Metrics>();
  return (target) => {
    if (!options) return noMetrics;
    const key = `${target.stable.deployment} ${target.canary.deployment}`;
    const metrics = known.get(key) ?? prometheus({ ...options, target });
    known.set(key, metrics);
    return metrics;
  };
}
