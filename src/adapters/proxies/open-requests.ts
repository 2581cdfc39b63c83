import { seriesIn } from "../../istio/metrics-text.ts";
import type { Role } from "../../release/target.ts";
import type { PodReading } from "./read-pod.ts";

/** What a pod's statistics are asked for besides: a part of their names, which Envoy filters by. */
export const gauges = "upstream_rq_active|downstream_cx_active";

/**
 * Requests that are open at a pod, as far as its proxy shows it: those, where `proxyStatsMatcher` includes them, or the
 * connections of callers, which Istio always shows, since a pod that drains waits for them
 * (https://github.com/istio/istio/blob/master/pkg/bootstrap/config.go): one for each request of HTTP/1.1, and some that
 * are idle.
 */
function openAt(text: string): number | undefined {
  const requests = seriesIn(text, "envoy_cluster_upstream_rq_active").filter(({ labels }) =>
    labels.cluster_name?.startsWith("inbound|"),
  );
  const connections = seriesIn(text, "envoy_listener_downstream_cx_active").filter(({ labels }) =>
    labels.listener_address?.endsWith("_15006"),
  );
  const shown = requests.length > 0 ? requests : connections;
  if (shown.length === 0) return undefined;
  return shown.reduce((sum, { value }) => sum + value, 0);
}

/** How many more are open at the canary's pods than at as many of stable's: callers keep as many idle ones to each. */
export function waitingAt(readings: readonly PodReading[]): number | undefined {
  const openOf = (role: Role): readonly number[] =>
    readings.flatMap(({ pod, answer }) => (pod.of === role && "text" in answer ? (openAt(answer.text) ?? []) : []));
  const [stable, canary] = [openOf("stable"), openOf("canary")];
  if (stable.length === 0 || canary.length === 0) return undefined;
  return Math.max(0, Math.round(sum(canary) - (sum(stable) * canary.length) / stable.length));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
