import { prometheusContract } from "../contracts/prometheus.ts";
import { realPrometheus } from "../support/real-prometheus.ts";

prometheusContract("Prometheus itself", realPrometheus);
