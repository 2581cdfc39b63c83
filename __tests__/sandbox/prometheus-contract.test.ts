import { startPrometheus } from "../../sandbox/prometheus/server.ts";
import { prometheusContract } from "../contracts/prometheus.ts";

prometheusContract("the sandbox's Prometheus", ({ url, interval }) =>
  startPrometheus({ targets: [{ url }], interval }),
);
