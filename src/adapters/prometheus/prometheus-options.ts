import type { MetricNames } from "../../istio/istio-metrics.ts";
import type { Millis } from "../../lib/duration.ts";
import type { Target } from "../../release/target.ts";
import type { PrometheusAddress } from "./instant-query.ts";
import type { NativeEdges } from "./native-buckets.ts";

/** Where Prometheus is, what things are called there, and about which service it is asked. */
export type PrometheusOptions = PrometheusAddress &
  MetricNames & {
    /**
     * Whose counters are read; one only, or everything counts twice. `auto` chooses once, by what stable's series say.
     */
    readonly reporter: CountingProxy | "auto";
    /** The scrape interval of Prometheus. */
    readonly interval: Millis;
    readonly target: Target;
    /** At which edges native histograms are read; remembered for as long as one counts. */
    readonly nativeEdges?: NativeEdges;
  };

/**
 * The proxy that counts: the caller's (a gateway's, too), the pod's own, or one in between. Istio calls it the
 * reporter.
 */
export type CountingProxy = "source" | "destination" | "waypoint";
