import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../../sandbox/api-server/api-server.ts";
import type { SentObject } from "../../../sandbox/api-server/object.ts";
import { podRunner } from "../../../sandbox/mesh/pod-runner.ts";
import type { Connection } from "../../../src/adapters/kubernetes/api-server.ts";
import { passingTransport } from "../../../src/adapters/kubernetes/passing-transport.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { proxies } from "../../../src/adapters/proxies/proxies.ts";
import type { ProxiesOptions } from "../../../src/adapters/proxies/proxies-options.ts";
import { istioMetrics } from "../../../src/istio/istio-metrics.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { readPod } from "../../../src/kubernetes/pod.ts";
import type { Metrics } from "../../../src/ports/metrics.ts";
import type { Network } from "../../../src/world/world.ts";
import { clientOf, until } from "../../support/cluster.ts";
import { shopTarget } from "../../support/shop-target.ts";

/** What one pod shows; undefined where it does not answer. */
export type Shown = Map<string, number> | undefined;

/** A cluster whose pods' ports 15090 and 15020 show what a test says. */
export type ProxyCluster = {
  readonly server: ApiServer;
  /** By `NAMESPACE/NAME`; a pod that is not in it shows nothing yet. */
  readonly shown: Map<string, Shown>;
  /** Ports that answer. Default: 15090 alone. */
  readonly ports: Set<number>;
  /** Queries that pods were asked, by their path. */
  readonly asked: string[];
  /** Reaches pods as whoever has this token. */
  readonly networkOf: (token: string) => Network;
  readonly options: (namespace: string, more?: Partial<ProxiesOptions>) => ProxiesOptions;
  readonly metrics: (namespace: string, more?: Partial<ProxiesOptions>) => Metrics;
  /** Names of the running pods of a Deployment, as many as it wants. */
  readonly podsOf: (namespace: string, deployment: string) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
};

export async function proxyCluster(options: ApiServerOptions = {}): Promise<ProxyCluster> {
  const shown = new Map<string, Shown>();
  const ports = new Set([15_090]);
  const asked: string[] = [];
  // One server is all pods: the path says whose port it is.
  const ofPods = createServer((request, response) => {
    const [, namespace, name, ...path] = (request.url ?? "").split("/");
    asked.push(`${name} /${path.join("/")}`);
    const key = `${namespace}/${name}`;
    const counters = shown.has(key) ? shown.get(key) : new Map<string, number>();
    if (!counters) return void request.socket.destroy();
    const lines = [...counters].map(([series, value]) => `${series} ${value}`);
    response.end(["# TYPE istio_requests_total counter", ...lines, ""].join("\n"));
  });
  await once(ofPods.listen(0, "127.0.0.1"), "listening");
  const place = `127.0.0.1:${(ofPods.address() as AddressInfo).port}`;
  const pods = podRunner(({ metadata: { namespace, name } }, port) =>
    ports.has(port) ? `${place}/${namespace}/${name}` : undefined,
  );
  const server = await startApiServer({
    podRunner: pods,
    addressOf: pods.addressOf,
    podTimes: { becomesReady: 1, crashes: 5, pullBackOff: 5, terminates: 5 },
    ...options,
  });
  const connection = (token: string): Connection => ({
    server: server.url,
    authorize: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: { ca: server.ca } }),
  });
  const networkOf = (token: string): Network => {
    const world = nodeWorld();
    return { ...world, transport: passingTransport(world.transport, connection(token)) };
  };
  const optionsFor = (namespace: string, more: Partial<ProxiesOptions> = {}): ProxiesOptions => {
    return {
      ...istioMetrics,
      client: clientOf(server),
      network: networkOf(server.adminToken),
      reporter: "auto",
      interval: 50,
      timeout: 30_000, // no test is to depend on how busy the machine is
      target: { ...shopTarget, namespace },
      viewers: async () => [{ namespace, name: "public" }],
      ...more,
    };
  };
  return {
    server,
    shown,
    ports,
    asked,
    networkOf,
    options: optionsFor,
    metrics: (namespace, more) => proxies(optionsFor(namespace, more)),
    async podsOf(namespace, deployment) {
      const client = clientOf(server);
      const found = await client.get(resources.deployments, namespace, deployment);
      const wanted = Number((found?.spec as { readonly replicas?: number } | undefined)?.replicas ?? 0);
      const running = await until(
        `${deployment} has ${wanted} pods`,
        async () => (await client.list(resources.pods, namespace)).map(readPod),
        (all) => runningOf(all, deployment).length === wanted,
      );
      return runningOf(running, deployment).map(({ name }) => name);
    },
    async close() {
      await server.close();
      await pods.close();
      ofPods.closeAllConnections();
      await new Promise((resolve) => ofPods.close(resolve));
    },
  };
}

const runningOf = (pods: readonly ReturnType<typeof readPod>[], deployment: string) =>
  pods.filter(({ name, phase, ready }) => name.startsWith(`${deployment}-`) && phase === "Running" && ready);

const sidecar = { name: "istio-proxy", image: "registry.test/istio/proxyv2:1.31.0" };

/** A version of the service, with sidecars or without. */
export const versionOf = (namespace: string, name: string, replicas = 1, bare = false): SentObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: "reviews", version: name } },
    template: {
      metadata: { labels: { app: "reviews", version: name } },
      spec: { containers: [{ name: "web", image: "registry.test/web:v1" }, ...(bare ? [] : [sidecar])] },
    },
  },
});

/** A gateway, and pods that serve it. */
export const gatewayOf = (namespace: string, pods: readonly string[] = ["gateway-0"]): readonly SentObject[] => [
  {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "public", namespace },
    spec: {
      selector: { istio: `gateway-${namespace}` },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    },
  },
  ...pods.map((name) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { istio: `gateway-${namespace}` } },
    spec: { containers: [sidecar] },
  })),
];
