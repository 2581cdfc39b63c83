import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import type { PrometheusOptions } from "../../src/adapters/prometheus/prometheus-options.ts";
import { istioMetrics } from "../../src/istio/istio-metrics.ts";
import { shopTarget } from "./shop-target.ts";

/** The shop's metrics by Istio's own names, as callers' proxies count them, scraped every 15s. */
export const prometheusOptions = (url: string, more: Partial<PrometheusOptions> = {}): PrometheusOptions => ({
  network: nodeWorld(),
  url,
  headers: {},
  timeout: 2_000,
  ...istioMetrics,
  reporter: "source",
  interval: 15_000,
  target: shopTarget,
  ...more,
});
