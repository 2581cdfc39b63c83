import type { Target } from "../release/target.ts";
import type { Metrics } from "./metrics.ts";

/**
 * What counts the requests of a target: one for the same two versions, so that the release reads what the preflight has
 * announced, and another when their roles are exchanged.
 */
export function metricsByTarget(make: (target: Target) => Metrics): (target: Target) => Metrics {
  const known = new Map<string, Metrics>();
  return (target) => {
    const key = `${target.stable.deployment} ${target.canary.deployment}`;
    const metrics = known.get(key) ?? make(target);
    known.set(key, metrics);
    return metrics;
  };
}
