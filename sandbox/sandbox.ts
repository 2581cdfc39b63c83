import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../src/lib/duration.ts";
import { type ApiServer, startApiServer } from "./api-server/api-server.ts";
import type { PodTimes } from "./api-server/controllers/kubelet.ts";
import { kindNamed } from "./api-server/kind.ts";
import type { SentObject } from "./api-server/object.ts";
import { isDeployment } from "./api-server/workload.ts";
import { type GitHubSandbox, startGitHub } from "./github/github.ts";
import type { Pull } from "./github/repository.ts";
import { type Gateway, startGateway } from "./mesh/gateway.ts";
import { type Elsewhere, podRunner } from "./mesh/pod-runner.ts";
import { type Prometheus, startPrometheus } from "./prometheus/server.ts";

export type SandboxOptions = {
  /** What the cluster has from the start; see shop.ts. */
  readonly objects: readonly SentObject[];
  /** Pull requests of the repository acme/shop. Default: none. */
  readonly pulls?: readonly Pull[];
  /** Between two scrapes of Prometheus. Default 1s. */
  readonly scrapeInterval?: Millis;
  /** How long the lives of pods take. Default: ready after 300ms, and gone 300ms after their deletion. */
  readonly podTimes?: Partial<PodTimes>;
};

/** A world to release in: real HTTP everywhere, nothing but this process. */
export type Sandbox = {
  readonly api: ApiServer;
  /** Where the shop's customers send their requests. */
  readonly gateway: Gateway;
  readonly prometheus: Prometheus;
  readonly github: GitHubSandbox;
  /** Resolves when every Deployment has the pods that it wants, and the mesh knows them. */
  ready(): Promise<void>;
  close(): Promise<void>;
};

/** Starts cluster, mesh, Prometheus and GitHub, wired together, and waits until the cluster's pods serve. */
export async function startSandbox({
  objects,
  pulls = [],
  scrapeInterval = 1_000,
  podTimes = {},
}: SandboxOptions): Promise<Sandbox> {
  const elsewhere: Elsewhere = ({ metadata, spec }, port) => {
    if (metadata.namespace === "istio-system") return addresses[metadata.name]?.[port];
    const hasProxy = [...spec.containers, ...spec.initContainers].some(({ name }) => name === "istio-proxy");
    if (hasProxy && port === adminPort) return gateway.adminOf("mesh");
    return hasProxy && proxyPorts.includes(port) ? gateway.metricsOf(metadata) : undefined;
  };
  const pods = podRunner(elsewhere);
  // A pod outlives its deletion by more than the mesh lags behind, as a graceful termination sees to in a cluster.
  const [api, github] = await Promise.all([
    startApiServer({ podRunner: pods, addressOf: pods.addressOf, podTimes: { terminates: 300, ...podTimes } }),
    startGitHub({ pulls }),
  ]);
  api.apply([...istioSystem, ...objects]);
  const gateway = await startGateway({ read: () => meshObjects(api), addressOf: pods.addressOf });
  const prometheus = await startPrometheus({
    targets: [{ url: gateway.metricsUrl, labels: { pod: "istio-ingressgateway-1" } }],
    interval: scrapeInterval,
  });
  const addresses: Readonly<Record<string, Readonly<Record<number, string>>>> = {
    prometheus: { 9090: new URL(prometheus.url).host },
    [gatewayPod]: {
      ...Object.fromEntries(proxyPorts.map((port) => [port, new URL(gateway.metricsUrl).host])),
      [adminPort]: gateway.adminOf("ingress"),
    },
  };

  const sandbox: Sandbox = {
    api,
    gateway,
    prometheus,
    github,
    async ready() {
      for (let asked = 0; !isRolledOut(api); asked++) {
        if (asked === 500) throw new Error("the sandbox's pods did not become ready within 10s");
        await sleep(20);
      }
      await gateway.refresh();
    },
    async close() {
      await Promise.all([prometheus.close(), github.close(), api.close()]);
      await gateway.close();
      await pods.close();
    },
  };
  await sandbox.ready();
  return sandbox;
}

/** Where Istio's proxies show what they have counted. */
const proxyPorts: readonly number[] = [15_090, 15_020];
/** Of Envoy, on the loopback of its pod: the API server forwards it. */
const adminPort = 15_000;
const gatewayPod = "istio-ingressgateway-1";

/** What Istio's installation and its addons have there. */
const istioSystem: readonly SentObject[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "prometheus", namespace: "istio-system" },
    spec: { selector: { "app.kubernetes.io/name": "prometheus" }, ports: [{ name: "http", port: 9090 }] },
  },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "prometheus",
      namespace: "istio-system",
      labels: { "app.kubernetes.io/name": "prometheus" },
    },
    spec: { containers: [{ name: "prometheus-server", image: "registry.example/prom/prometheus:v3" }] },
  },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: gatewayPod, namespace: "istio-system", labels: { istio: "ingressgateway" } },
    spec: { containers: [{ name: "istio-proxy", image: "registry.example/istio/proxyv2:1.31.0" }] },
  },
];

const meshObjects = ({ store }: ApiServer) => ({
  virtualServices: store.list(kindNamed("virtualservices")),
  gatewayRoutes: ["httproutes", "grpcroutes", "tlsroutes", "tcproutes"].flatMap((plural) =>
    store.list(kindNamed(plural)),
  ),
  destinationRules: store.list(kindNamed("destinationrules")),
  services: store.list(kindNamed("services")),
  pods: store.list(kindNamed("pods")),
  namespaces: store.list(kindNamed("namespaces")),
});

const isRolledOut = ({ store }: ApiServer): boolean =>
  store
    .list(kindNamed("deployments"))
    .every((object) => isDeployment(object) && (object.status?.availableReplicas ?? 0) === object.spec.replicas);
