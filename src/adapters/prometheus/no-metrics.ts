import type { PrometheusSource } from "./prometheus.ts";

const because = "no Prometheus is configured (metrics.prometheus)";

/** Where there is no Prometheus nothing is counted, and every question is answered with that. */
export const noMetrics: PrometheusSource = {
  counters: async () => ({ because }),
  query: async (_query, at) => ({ at, because }),
  traffic: async () => ({ because }),
  dispersion: async () => ({ phi: 1, because: `errors are taken as independent: ${because}` }),
  inspect: async () => [
    {
      level: "warn",
      what: "No Prometheus is configured: waits and restarts are judged, requests are not.",
      next: "Set metrics.prometheus.",
    },
  ],
};
