import { startPrometheus } from "../../sandbox/prometheus/server.ts";
import { prometheusFacts } from "../adapters/prometheus/facts.ts";
import { prometheusWorld } from "../adapters/prometheus/prometheus-world.ts";
import { metricsContract } from "../contracts/metrics.ts";
import type { SetUp } from "../support/prometheus-set-up.ts";

const sandbox: SetUp = ({ url, interval }) => startPrometheus({ targets: [{ url }], interval });

metricsContract("the sandbox's Prometheus", prometheusWorld(sandbox));
prometheusFacts("the sandbox's Prometheus", sandbox);
