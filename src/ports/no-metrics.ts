import { sawNothing } from "./metric-source.ts";
import type { Metrics } from "./metrics.ts";
import { unmeasured } from "./unmeasured.ts";

const because = "no Prometheus is named (metrics.prometheus), and no proxy is read";

/** Where nothing counts, every question is answered with that. */
export const noMetrics: Metrics = {
  watch: () => ({
    look: async (at) => sawNothing(at, undefined, because),
    query: async (_query, at) => ({ at, because }),
  }),
  traffic: async () => ({ because }),
  rate: async () => undefined,
  answerers: async () => ({ because }),
  dispersion: async () => unmeasured(because),
  inspect: async () => [
    {
      level: "warn",
      what: "Nobody counts requests (metrics.source: none): they are not judged.",
      next: "Leave metrics.source out, or set metrics.prometheus.",
    },
  ],
};
