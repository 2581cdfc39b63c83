import { startPrometheus } from "../../sandbox/prometheus/server.ts";
import { prometheusFacts } from "../adapters/prometheus/facts.ts";
import { prometheusWorld } from "../adapters/prometheus/prometheus-world.ts";
import { metricsContract } from "../contracts/metrics.ts";
import type { SetUp } from "../support/prometheus-set-up.ts";
import { servedPrometheus } from "../support/served-prometheus.ts";

const sandbox: SetUp = ({ url, interval }) => startPrometheus({ targets: [{ url }], interval });

/** As Prometheus 3 does with `convert_classic_histograms_to_nhcb`. */
const keepingNative: SetUp = ({ url, interval }) =>
  startPrometheus({ targets: [{ url }], interval, convertsHistograms: true });

const throughApiServer: SetUp = async (scrape) => {
  const prometheus = await sandbox(scrape);
  const { url, networkOf, close } = await servedPrometheus(prometheus.url);
  return {
    url,
    network: networkOf(),
    async close() {
      await close();
      await prometheus.close();
    },
  };
};

metricsContract("the sandbox's Prometheus", prometheusWorld(sandbox));
metricsContract("the sandbox's Prometheus through its API server", prometheusWorld(throughApiServer));
metricsContract("the sandbox's Prometheus, which keeps native histograms", prometheusWorld(keepingNative));
prometheusFacts("the sandbox's Prometheus", sandbox);
