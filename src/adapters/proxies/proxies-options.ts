import type { MetricNames } from "../../istio/istio-metrics.ts";
import type { Millis } from "../../lib/duration.ts";
import type { Viewer } from "../../ports/route-family.ts";
import type { Target } from "../../release/target.ts";
import type { Network } from "../../world/world.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";

/** How the proxies are reached, what things are called there, and whose requests are meant. */
export type ProxiesOptions = MetricNames & {
  readonly client: KubernetesClient;
  /** Carries requests to `pod://NAMESPACE/NAME:PORT/PATH`. */
  readonly network: Network;
  /** Whose counters are read; `auto` chooses once. */
  readonly reporter: CountingSide | "auto";
  /** Between two looks. */
  readonly interval: Millis;
  /** Of one pod's answer. */
  readonly timeout: Millis;
  readonly target: Target;
  /** Who follows the rules that the release moves. Rejects where that may not be read. */
  readonly viewers: () => Promise<readonly Viewer["who"][]>;
};

/** As Istio calls whoever counts. */
export type CountingSide = "source" | "destination" | "waypoint";
