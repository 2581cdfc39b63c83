import { prometheusFacts } from "../adapters/prometheus/facts.ts";
import { prometheusWorld } from "../adapters/prometheus/prometheus-world.ts";
import { metricsContract } from "../contracts/metrics.ts";
import { realPrometheus } from "../support/real-prometheus.ts";

metricsContract("Prometheus itself", prometheusWorld(realPrometheus));
prometheusFacts("Prometheus itself", realPrometheus);
