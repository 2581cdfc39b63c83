import assert from "node:assert/strict";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { PrometheusOptions } from "../../../src/adapters/prometheus/prometheus-options.ts";
import { istioMetrics } from "../../../src/istio/istio-metrics.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { SetUp } from "../../support/prometheus-set-up.ts";
import { shopTarget } from "../../support/shop-target.ts";

export const interval: Millis = 50;

export type Labels = Readonly<Record<string, string>>;

/** Something to be scraped, which shows what it is told to, and a Prometheus that scrapes it. */
export async function scraped(setUp: SetUp) {
  let shown: readonly string[] | undefined = [];
  let round = 0;
  const server = createServer((_, response) => {
    if (shown)
      response
        .writeHead(200, { "content-type": "text/plain; version=0.0.4" })
        .end([...shown, `round ${round}`, ""].join("\n"));
    else response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const started = await setUp({ url: `http://127.0.0.1:${address.port}/metrics`, interval });
  const { url, network } = started;
  const options = (namespace: string): PrometheusOptions => ({
    ...optionsOf(url, namespace),
    ...(network ? { network } : {}),
  });
  const anybody = prometheus(options("shop")).watch();
  const until = async (promql: string, wanted: number): Promise<void> => {
    const now = async () => (await anybody.query(promql, Date.now(), new AbortController().signal)).value;
    while ((await now()) !== wanted) await sleep(interval / 5);
  };
  return {
    url,
    options,
    /** Replaces what the scraped address shows, and waits until Prometheus has seen it. */
    expose(...lines: readonly string[]): Promise<void> {
      shown = lines;
      return until("round", ++round);
    },
    /** The address answers no more, and Prometheus has noticed. */
    async vanish(): Promise<void> {
      shown = undefined;
      round++;
      await until("up", 0);
    },
    async close(): Promise<void> {
      await started.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Series stay for a while after their tests: each test has a namespace of its own. */
export const optionsOf = (url: string, namespace: string): PrometheusOptions => ({
  network: nodeWorld(),
  url,
  headers: {},
  timeout: 5_000,
  ...istioMetrics,
  reporter: "auto",
  interval,
  target: { ...shopTarget, namespace },
});

/** A line of what Istio's gateway shows. */
export function sample(namespace: string, metric: string, workload: string, value: number, labels: Labels): string {
  const all = {
    reporter: "source",
    pod: "gateway-1",
    destination_workload: workload,
    destination_workload_namespace: workload === "unknown" ? "unknown" : namespace,
    destination_service: `reviews.${namespace}.svc.cluster.local`,
    source_workload_namespace: "ingress",
    response_code: "200",
    response_flags: "-",
    grpc_response_status: "",
    ...labels,
  };
  const pairs = Object.entries(all).map(([name, text]) => `${name}="${text}"`);
  return `${metric}{${pairs.join(",")}} ${value}`;
}
