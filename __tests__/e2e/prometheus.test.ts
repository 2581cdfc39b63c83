import { prometheusFacts } from "../adapters/prometheus/facts.ts";
import { prometheusWorld } from "../adapters/prometheus/prometheus-world.ts";
import { metricsContract } from "../contracts/metrics.ts";
import type { SetUp } from "../support/prometheus-set-up.ts";
import { realPrometheus } from "../support/real-prometheus.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { prometheusInside } from "./support/prometheus-inside.ts";

const throughApiServer: SetUp = async (scrape) => {
  const prometheus = await realPrometheus(scrape);
  const inside = await prometheusInside(bedFromEnvironment(), "contract-prometheus", prometheus.url);
  return {
    ...inside,
    async close() {
      await inside.close();
      await prometheus.close();
    },
  };
};

metricsContract("Prometheus itself", prometheusWorld(realPrometheus));
metricsContract("Prometheus itself through the real API server", prometheusWorld(throughApiServer));
prometheusFacts("Prometheus itself", realPrometheus);
