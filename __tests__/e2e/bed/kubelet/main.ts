import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { forwardPort } from "../../../../sandbox/api-server/port-forward.ts";
import { openApiServer } from "../../support/api-server.ts";
import { listen } from "./application.ts";
import { type Endpoints, endpointsOf } from "./endpoints.ts";
import { inject } from "./injection.ts";
import { type EndpointSlice, type Pod, type Service, timestamp } from "./objects.ts";
import { type Node, pathOfPod, type RunningPod, runPod } from "./pod.ts";
import { serviceOf } from "./workload.ts";

// The kubelet's stand-in: `main.ts WORK ENVOY`. It binds pods to its node, gives each an address, serves real HTTP on it
// as the image's tag says, runs a real Envoy where a proxy is needed, counts Istio's metrics, and reports status.
// It is also the scheduler, kube-proxy for pods outside of the mesh, and the webhook that injects sidecars.

const [work = "", envoy = ""] = process.argv.slice(2);
const nodeName = "node-0";
const pki = join(work, "pki");
const api = openApiServer(join(pki, "admin.kubeconfig"));
const stopping = new AbortController();

const running = new Map<string, Promise<RunningPod>>();
const addressed = new Map<string, Pod>();
const services = new Map<string, Service>();
const slices = new Map<string, EndpointSlice>();
const bound = new Set<string>();
const ending = new Set<string>();

const endpoints: Endpoints = endpointsOf(services, slices);
const node: Node = {
  api,
  work,
  envoy,
  certificate: { key: readFileSync(join(pki, "kubelet.key")), cert: readFileSync(join(pki, "kubelet.crt")) },
  podAt: (address) => addressed.get(address),
  serviceOf: (pod) => serviceOf(pod, services.values()),
  endpointOf: endpoints,
};

let next = 0;
/** Addresses go round: Envoy may hold one for a while after its pod has gone. */
function takeAddress(pod: Pod): string {
  const wanted = pod.metadata.annotations?.["bed/address"];
  const taken = (address: string): boolean =>
    [...running.keys()].some((uid) => addressed.get(address)?.metadata.uid === uid);
  const free = (): string => {
    const address = `10.244.${1 + (Math.floor(next / 250) % 8)}.${1 + (next % 250)}`;
    next += 1;
    return taken(address) ? free() : address;
  };
  const address = wanted ?? free();
  addressed.set(address, pod);
  return address;
}

async function onPod(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod): Promise<void> {
  const { uid } = pod.metadata;
  if (type === "DELETED") return stop(uid);
  if (pod.metadata.deletionTimestamp !== undefined) return end(pod);
  if (pod.spec.nodeName === undefined) return bind(pod);
  if (pod.spec.nodeName === nodeName && !running.has(uid)) running.set(uid, runPod(node, pod, takeAddress(pod)));
}

async function stop(uid: string): Promise<void> {
  const pod = running.get(uid);
  if (pod === undefined || ending.has(uid)) return;
  ending.add(uid);
  await (await pod).stop();
  running.delete(uid);
  ending.delete(uid);
}

async function end(pod: Pod): Promise<void> {
  if (ending.has(pod.metadata.uid)) return;
  await stop(pod.metadata.uid);
  await api.call("DELETE", pathOfPod(pod), {
    apiVersion: "v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
    preconditions: { uid: pod.metadata.uid },
  });
}

/** The scheduler's part: one node, with 64 CPUs for each pod. */
async function bind(pod: Pod): Promise<void> {
  const { uid, name } = pod.metadata;
  if (bound.has(uid)) return;
  bound.add(uid);
  const because = unschedulable(pod);
  if (because === undefined) {
    await api.expect("POST", `${pathOfPod(pod)}/binding`, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    });
    return;
  }
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message: because,
    lastTransitionTime: timestamp(),
  };
  await api.expect(
    "PATCH",
    `${pathOfPod(pod)}/status`,
    { status: { phase: "Pending", conditions: [condition] } },
    "application/merge-patch+json",
  );
}

function unschedulable(pod: Pod): string | undefined {
  const cpus = pod.spec.containers
    .map(({ resources }) => resources?.requests?.cpu ?? "0")
    .map((cpu) => (cpu.endsWith("m") ? Number(cpu.slice(0, -1)) / 1_000 : Number(cpu)));
  if (cpus.reduce((sum, cpu) => sum + cpu, 0) > 64) return "0/1 nodes are available: 1 Insufficient cpu.";
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  const fits = selector.every(([key, value]) => key === "kubernetes.io/hostname" && value === nodeName);
  return fits ? undefined : "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
}

/** What Prometheus is to scrape: running pods whose annotations ask for it. https://prometheus.io/docs/prometheus/latest/http_sd/ */
function targets(): readonly object[] {
  return [...addressed].flatMap(([address, { metadata }]) => {
    const { annotations = {}, labels = {} } = metadata;
    if (!running.has(metadata.uid) || annotations["prometheus.io/scrape"] !== "true") return [];
    const own = Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [name.replaceAll(/[^a-zA-Z0-9_]/g, "_"), value]),
    );
    const path = annotations["prometheus.io/path"] ?? "/metrics";
    return [
      {
        targets: [`${address}:${annotations["prometheus.io/port"]}`],
        labels: { ...own, namespace: metadata.namespace, pod: metadata.name, __metrics_path__: path },
      },
    ];
  });
}

const podNamed = (namespace: string, name: string): Pod | undefined =>
  [...addressed.values()].find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name && running.has(metadata.uid),
  );

/** All pods share one loopback here, so what is forwarded goes to the port of the pod's own address. */
function forward(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const url = new URL(request.url ?? "/", "https://node-0");
  const [, route, namespace = "", name = ""] = url.pathname.split("/");
  const pod = podNamed(namespace, name);
  const [address] = [...addressed].find(([, at]) => at === pod) ?? [];
  if (route !== "portForward" || address === undefined) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
  const port = Number(url.searchParams.get("port"));
  forwardPort(request, socket, head, { name, port }, `${address}:${port}`);
}

/** The kubelet's own API, as far as kube-apiserver calls it, and the injector beside it. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "https://node-0");
  const [, route, namespace = "", podName = "", containerName = ""] = url.pathname.split("/");
  if (route === "inject")
    return void response
      .setHeader("content-type", "application/json")
      .end(JSON.stringify(inject(JSON.parse(await text(request)))));
  if (route === "targets")
    return void response.setHeader("content-type", "application/json").end(JSON.stringify(targets()));
  if (route !== "containerLogs")
    return void response.writeHead(404).end(`${url.pathname}: this kubelet does not know that\n`);
  const pod = podNamed(namespace, podName);
  const container =
    pod && (await running.get(pod.metadata.uid))?.containers.find(({ spec }) => spec.name === containerName);
  if (container === undefined)
    return void response.writeHead(404).end(`container ${containerName} of pod ${namespace}/${podName} is not here\n`);
  const log = container.log(url.searchParams.get("previous") === "true");
  if ("refused" in log) return void response.writeHead(400).end(log.refused);
  const tail = Number(url.searchParams.get("tailLines") ?? Number.POSITIVE_INFINITY);
  const since = Date.parse(url.searchParams.get("sinceTime") ?? "") || 0;
  const lines = log.lines.filter(({ at }) => at >= since);
  response.setHeader("content-type", "text/plain").end(
    lines
      .slice(Math.max(0, lines.length - tail))
      .map(({ line }) => `${line}\n`)
      .join("")
      .slice(0, Number(url.searchParams.get("limitBytes") ?? Number.POSITIVE_INFINITY)),
  );
}

const remember =
  <T extends Service | EndpointSlice>(store: Map<string, T>) =>
  (type: "ADDED" | "MODIFIED" | "DELETED", object: T): void => {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    if (type === "DELETED") store.delete(key);
    else store.set(key, object);
  };

const tls = { cert: readFileSync(join(pki, "kubelet.crt")), key: readFileSync(join(pki, "kubelet.key")) };
await listen(
  createServer(
    tls,
    (request, response) =>
      void answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error))),
  ).on("upgrade", forward),
  10_250,
  "10.244.0.1",
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    stopping.abort();
    const last = [...running.keys()].map((uid) => stop(uid));
    void Promise.allSettled(last).then(() => process.exit(0));
  });
}

const told = (what: string) => (error: unknown) => console.error(`${what}:`, error);
await Promise.all([
  api.watch<Service>("/api/v1/services", remember(services), stopping.signal),
  api.watch<EndpointSlice>("/apis/discovery.k8s.io/v1/endpointslices", remember(slices), stopping.signal),
  api.watch<Pod>(
    "/api/v1/pods",
    (type, pod) => void onPod(type, pod).catch(told(`pod ${pod.metadata.name}`)),
    stopping.signal,
  ),
]);
