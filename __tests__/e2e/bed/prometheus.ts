import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import { waitFor } from "../support/wait-for.ts";
import { startProcess } from "./processes.ts";

/**
 * Prometheus as Istio's sample addon sets it up, only faster: every pod that says so is scraped, and its labels go on
 * the series. Debian builds it without Kubernetes discovery, so the kubelet lists the targets.
 */
const configuration = (pki: string): object => ({
  global: { scrape_interval: "1s", evaluation_interval: "1s" },
  scrape_configs: [
    {
      job_name: "kubernetes-pods",
      http_sd_configs: [
        { url: "https://10.244.0.1:10250/targets", refresh_interval: "1s", tls_config: { ca_file: `${pki}/ca.crt` } },
      ],
    },
  ],
});

/** Else it hears of new pods at two ticks of five seconds, one after the other; this is the second of them. */
export const promptly = "--scrape.discovery-reload-interval=200ms";

export async function startPrometheus(work: string, program: string): Promise<void> {
  const file = join(work, "prometheus.yml");
  writeFileSync(file, dump(configuration(join(work, "pki"))));
  const flags = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${work}/prometheus`,
    "--web.listen-address=127.0.0.1:9090",
    "--web.enable-lifecycle",
    promptly,
    "--log.level=warn",
  ];
  startProcess(work, "prometheus", [program, ...flags]);
  await waitFor(async () => (await fetch("http://127.0.0.1:9090/-/ready")).ok, "Prometheus's /-/ready", 30_000);
}
