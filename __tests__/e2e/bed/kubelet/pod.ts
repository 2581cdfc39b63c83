import { createServer, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { type ApiServer, mergePatch } from "../../support/api-server.ts";
import { closeAll, listen, startApplication } from "./application.ts";
import { type Container, runContainer } from "./container.ts";
import { type Labels, newRegistry } from "./istio-metrics.ts";
import type { Pod } from "./objects.ts";
import { type Access, type EnvoyProcess, outboundPort, startProxy } from "./proxy.ts";
import { probe, type Readiness, watchReadiness } from "./readiness.ts";
import { statusOf } from "./status.ts";
import { hasProxy, peerLabels, proxyName, serviceLabels } from "./workload.ts";

/** What the node knows beyond one pod. */
export type Node = {
  readonly api: ApiServer;
  readonly work: string;
  readonly envoy: string;
  readonly certificate: { readonly key: Buffer; readonly cert: Buffer };
  readonly podAt: (address: string) => Pod | undefined;
  /** The host name of the service that a pod belongs to. */
  readonly serviceOf: (pod: Pod) => string | undefined;
  /** Where a service's next ready pod listens; the part of kube-proxy, for pods outside of the mesh. */
  readonly endpointOf: (url: URL, namespace: string) => string | undefined;
};

export type RunningPod = {
  readonly address: string;
  readonly containers: readonly Container[];
  /** Goes on serving for a moment, then ends, as the kubelet lets pods end. */
  readonly stop: () => Promise<void>;
};

export const pathOfPod = ({ metadata }: Pod): string =>
  `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;

/** At most this long a pod that is deleted still serves, so that Envoy has heard of it before the port closes. */
const grace = 1_000;

/** Envoy's own, and the agent's, which Prometheus scrapes. */
const metricsPorts = [15_090, 15_020];

export async function runPod(node: Node, pod: Pod, address: string): Promise<RunningPod> {
  const { name, namespace, uid } = pod.metadata;
  const specs = [
    ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
    ...pod.spec.containers,
  ];
  const registry = newRegistry();
  const agent = new Agent({ connections: 64, keepAliveTimeout: 60_000, connect: { timeout: 2_000 } });
  const proxy = startProxyOf(node, pod, address, (labels, access) =>
    access.method === null ? registry.connection(labels) : registry.request(labels, access.duration),
  );
  const metrics = hasProxy(pod)
    ? await Promise.all(
        metricsPorts.map((port) =>
          listen(
            createServer((_request, response) => response.end(registry.text())),
            port,
            address,
          ),
        ),
      )
    : [];
  const status = statusOf(address);
  const report = reporter(node.api, pod, () => status(pod, parts));

  function answered(_request: IncomingMessage, code: number, milliseconds: number): void {
    if (!hasProxy(pod)) return;
    const service = serviceLabels(node.serviceOf(pod) ?? "unknown");
    const labels = {
      reporter: "destination",
      ...peerLabels("source", undefined),
      ...peerLabels("destination", pod),
      ...service,
      request_protocol: "http",
      response_code: String(code),
      response_flags: "-",
    };
    registry.request({ ...labels, grpc_response_status: "", connection_security_policy: "none" }, milliseconds);
  }

  async function ask(url: URL, headers: Readonly<Record<string, string>>): Promise<{ status: number; body: unknown }> {
    const origin = proxy === undefined ? node.endpointOf(url, namespace) : `127.0.0.1:${outboundPort(address)}`;
    if (origin === undefined) return { status: 503, body: `no endpoint of ${url.host}` };
    try {
      const answer = await request(`http://${origin}${url.pathname}${url.search}`, {
        dispatcher: agent,
        headers: { ...headers, host: proxy === undefined ? url.host : proxyHost(url) },
        headersTimeout: 15_000,
      });
      const text = await answer.body.text();
      return {
        status: answer.statusCode,
        body: String(answer.headers["content-type"]).includes("json") ? JSON.parse(text) : text,
      };
    } catch (error) {
      return { status: 503, body: String(error) };
    }
  }

  const parts: readonly {
    readonly container: Container;
    readonly ready: () => boolean;
    readonly readiness: Readiness;
  }[] = specs.map((spec) => {
    const surroundings = {
      pod: name,
      address,
      age: () => container.age(),
      say: (line: string) => container.say(line),
      answered,
      certificate: node.certificate,
      ask,
    };
    const isProxy = spec.name === proxyName;
    const open = isProxy ? async () => async () => {} : () => startApplication(spec, surroundings);
    const container = runContainer(spec, `${name}_${namespace}(${uid})`, open, () => {
      readiness.look();
      report();
    });
    const check = isProxy ? () => proxy?.ready() ?? Promise.resolve(true) : () => probe(container, address);
    const readiness = watchReadiness(container, check, report);
    return { container, readiness, ready: readiness.ready };
  });

  return {
    address,
    containers: parts.map(({ container }) => container),
    async stop() {
      await sleep(grace);
      for (const { readiness } of parts) readiness.stop();
      await Promise.all(parts.map(({ container }) => container.stop()));
      await Promise.all([proxy?.stop(), closeAll(metrics, true), agent.destroy()]);
    },
  };
}

/**
 * The Host header for a sidecar's one listener for everything. istiod writes its domains with ports (`details:9080`)
 * and makes Envoy take the port off a request's host before it compares, so a second port is there to be taken off.
 */
const proxyHost = ({ hostname, port }: URL): string => (port === "" ? hostname : `${hostname}:${port}:${port}`);

/** A router has a proxy and nothing else. A sidecar gets a real one only where its pod calls others: what comes in is counted without. */
function startProxyOf(
  node: Node,
  pod: Pod,
  address: string,
  count: (labels: Labels, access: Access) => void,
): EnvoyProcess | undefined {
  const spec = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(({ name }) => name === proxyName);
  if (spec === undefined) return undefined;
  const kind = spec.args?.[1] === "router" ? "router" : "sidecar";
  const calls = pod.spec.containers.some(({ env }) =>
    env?.some(({ name, value }) => name === "BACKEND_URL" && value !== undefined),
  );
  if (kind === "sidecar" && !calls) return undefined;
  return startProxy(node.work, node.envoy, pod, address, kind, (access) =>
    count(sourceLabels(node, pod, kind, access), access),
  );
}

/**
 * What the istio.stats filter of a client's proxy would say of a request. When no host was chosen (UH, NC, FI, …),
 * the destination is unknown; its service still is what the cluster says, or, in sidecars only, the Host header.
 * https://github.com/istio/proxy/blob/master/source/extensions/filters/http/istio_stats/istio_stats.cc
 */
function sourceLabels(node: Node, pod: Pod, kind: "router" | "sidecar", access: Access): Labels {
  const host =
    access.cluster?.split("|")[3] ??
    (kind === "sidecar" ? access.authority?.replace(/(:\d+)+$/, "") : undefined) ??
    "unknown";
  const destination = access.upstream === null ? undefined : node.podAt(access.upstream.replace(/:\d+$/, ""));
  const isGrpc = access.contentType?.startsWith("application/grpc") ?? false;
  const ends = { ...peerLabels("source", pod), ...peerLabels("destination", destination), ...serviceLabels(host) };
  const common = {
    reporter: "source",
    ...ends,
    response_flags: access.flags ?? "-",
    connection_security_policy: "unknown",
  };
  if (access.method === null) return { ...common, request_protocol: "tcp" };
  return {
    ...common,
    request_protocol: isGrpc ? "grpc" : "http",
    response_code: String(access.code),
    grpc_response_status: isGrpc ? String(access.grpc ?? "") : "",
  };
}

/** Writes the status whenever it changed: one write at a time, the newest wins. */
function reporter(api: ApiServer, pod: Pod, status: () => object): () => void {
  let writing = false;
  let again = false;
  return function report(): void {
    again = writing;
    if (writing) return;
    writing = true;
    // Changes of one moment go together, and the last container of the list exists before the first report.
    setImmediate(() => {
      api
        .call(
          "PATCH",
          `${pathOfPod(pod)}/status`,
          { metadata: { uid: pod.metadata.uid }, status: status() },
          mergePatch,
        )
        .then(
          ({ status: code, body }) =>
            code >= 300 && code !== 404 && code !== 409 && console.error(`${pod.metadata.name}: status refused:`, body),
        )
        .catch((error: unknown) => console.error(`${pod.metadata.name}: status:`, error))
        .finally(() => {
          writing = false;
          if (again) report();
        });
    });
  };
}
