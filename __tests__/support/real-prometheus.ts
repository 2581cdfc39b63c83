import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SetUp } from "./prometheus-set-up.ts";

/** Prometheus itself, of the machine, scraping one address. */
export const realPrometheus: SetUp = async ({ url, interval }) => {
  const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  const { host, pathname } = new URL(url);
  const settings = {
    global: { scrape_interval: `${interval}ms`, scrape_timeout: `${interval}ms` },
    scrape_configs: [{ job_name: "istio", metrics_path: pathname, static_configs: [{ targets: [host] }] }],
  };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(settings)); // JSON is YAML
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/tsdb`,
    `--web.listen-address=${address}`,
    "--log.level=error",
  ];
  const prometheus = spawn("prometheus", flags, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(prometheus, "exit");
  const close = async (): Promise<void> => {
    prometheus.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true });
  };
  for (;;) {
    if (prometheus.exitCode !== null) throw new Error(`prometheus ended with ${prometheus.exitCode}`);
    if (
      await fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url: `http://${address}`, close };
    await sleep(50);
  }
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
