import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request as send } from "undici";
import type { Millis } from "../../src/lib/duration.ts";
import { connection, type Opening } from "./connection.ts";
import { serveAdmin } from "./envoy-admin.ts";
import { type Finished, type IstioMetrics, istioMetrics } from "./istio-metrics.ts";
import type { Seen, Side } from "./match.ts";
import { type Mesh, type Objects, type Pod, parseMesh } from "./objects.ts";
import { seeded } from "./random.ts";
import { type Copy, type Flag, hostOf, type Route, route } from "./route.ts";

type GatewayOptions = {
  /** What the API server has now; asked for at every `delay`. */
  readonly read: () => Objects | Promise<Objects>;
  /** Where a port of a pod really is. See PodRunner. */
  readonly addressOf: (ip: string, port: number) => string | undefined;
  /** How long the mesh may lag behind what was written. Default 100ms, about what istiod waits for more changes. */
  readonly delay?: Millis;
  /** From 0 to 1, for weights, faults and endpoints. Default: the same row of numbers at every start. */
  readonly random?: () => number;
  /** Default: a free one. */
  readonly port?: number;
  /** The workload whose requests these are. Default: istio-ingressgateway in istio-system. */
  readonly source?: { readonly workload: string; readonly namespace: string };
};

export type Gateway = {
  /** Routes by the Host header: hosts of VirtualServices, and Services by name. */
  readonly url: string;
  /** Opens a connection, as a client in the mesh or of a gateway would: where it leads to, if anywhere. */
  readonly connect: (opening: Opening) => { readonly pod: string; readonly address: string } | undefined;
  /** What Prometheus scrapes. */
  readonly metricsUrl: string;
  /** Where a pod's own proxy shows what it has counted: `HOST:PORT/PATH`, before `/stats/prometheus`. */
  metricsOf(pod: { readonly namespace: string; readonly name: string }): string;
  /** Where the Envoy of a gateway, or of a sidecar, shows what it has: `HOST:PORT`. */
  adminOf(side: Side): string;
  /** `followed` when it took up by itself what the API server has, `counted` when a request has ended and its metrics say so, `copied` when one goes to a second pod as well. */
  readonly events: EventEmitter<{ followed: []; counted: []; copied: [from: string, to: string] }>;
  /** Takes up now what the API server has, without the delay. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

/** A proxy in front of real backends: it routes as the stored objects say and counts as Istio does. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const {
    read,
    addressOf,
    delay = 100,
    random = seeded(1),
    port = 0,
    source = { workload: "istio-ingressgateway", namespace: "istio-system" },
  } = options;
  const metrics = istioMetrics(source);
  /** By `NAMESPACE/NAME`. */
  const ofPods = new Map<string, IstioMetrics>();
  const events: Gateway["events"] = new EventEmitter();
  const agent = new Agent({ connections: 64, pipelining: 1 });
  let mesh: Mesh = parseMesh(await read());
  const refresh = async (): Promise<void> => {
    mesh = parseMesh(await read());
  };

  const serveRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const seen = seenIn(request);
    const begun = performance.now();
    const chosen = route(mesh, seen, random);
    if (chosen.delay) await sleep(chosen.delay);
    if ("copies" in chosen) for (const to of chosen.copies) void copy(request, chosen, to);
    const { status, flag, pod } =
      "status" in chosen ? answer(response, chosen) : await forward(request, response, chosen, { agent, addressOf });
    const flags = chosen.delay && flag === "-" ? "DI" : flag;
    const finished = {
      host: hostOf(seen.authority),
      status,
      took: performance.now() - begun,
      ...(chosen.service ? { service: chosen.service } : {}),
      ...(pod ? { pod } : {}),
    };
    metrics.count({ ...finished, flag: flags });
    if (pod && (flag === "-" || flag === "DC")) registryOf(pod).count({ ...finished, flag });
    events.emit("counted");
  };

  function registryOf({ metadata: { namespace, name } }: Pod): IstioMetrics {
    const key = `${namespace}/${name}`;
    const registry = ofPods.get(key) ?? istioMetrics(source, "destination");
    ofPods.set(key, registry);
    return registry;
  }

  /**
   * Envoy marks the host, waits for nothing, and counts no copy where it is sent: the request was counted already. The
   * proxy of the pod that gets it counts it as any other. Bodies are not copied here.
   */
  async function copy(
    { method = "GET", headers }: IncomingMessage,
    { pod, ...chosen }: Routed,
    to: Copy,
  ): Promise<void> {
    const address = addressOf(to.pod.status.podIP ?? "", to.port);
    if (address === undefined) return;
    events.emit("copied", pod.metadata.name, to.pod.metadata.name);
    const host = `${chosen.authority}-shadow`;
    const { "content-length": _, "content-type": __, ...rest } = endToEnd(headers);
    const begun = performance.now();
    const status = await send(`http://${address}${chosen.url}`, {
      method,
      headers: { ...rest, host },
      dispatcher: agent,
    })
      .then(({ statusCode, body }) => body.dump().then(() => statusCode))
      .catch(() => undefined);
    if (status === undefined) return;
    const took = performance.now() - begun;
    registryOf(to.pod).count({ host, status, took, service: to.service, pod: to.pod, flag: "-" });
    events.emit("counted");
  }

  const front = await listen((request, response) => void serveRequest(request, response), port);
  const admin = await listen(serveMetrics(metrics, ofPods), 0);
  const adminFor = (side: Side) =>
    listen(
      serveAdmin(() => mesh, side),
      0,
    );
  const admins = { ingress: await adminFor("ingress"), mesh: await adminFor("mesh") };
  // An API server that is away leaves the mesh as it is, like a proxy that lost its control plane.
  const follow = async (): Promise<void> => {
    const objects = await Promise.resolve()
      .then(read)
      .catch(() => undefined);
    if (objects === undefined) return;
    mesh = parseMesh(objects);
    events.emit("followed");
  };
  const timer = setInterval(() => void follow(), Math.max(1, delay));
  timer.unref();

  return {
    url: front.url,
    connect(opening) {
      const chosen = connection(mesh, opening, random);
      const address = chosen && addressOf(chosen.pod.status.podIP ?? "", chosen.port);
      return address === undefined ? undefined : { pod: chosen?.pod.metadata.name ?? "", address };
    },
    metricsUrl: `${admin.url}/stats/prometheus`,
    metricsOf: ({ namespace, name }) => `${new URL(admin.url).host}/pods/${namespace}/${name}`,
    adminOf: (side) => new URL(admins[side].url).host,
    events,
    refresh,
    async close() {
      clearInterval(timer);
      await Promise.all([front, admin, admins.ingress, admins.mesh].map(({ server }) => closed(server)));
      await agent.close();
    },
  };
}

type Ended = Pick<Finished, "status" | "flag" | "pod">;

function answer(
  response: ServerResponse,
  { status, body, flag, headers = {} }: Extract<Route, { readonly status: number }>,
): Ended {
  response
    .writeHead(status, { server: "istio-envoy", ...(body === "" ? {} : { "content-type": "text/plain" }), ...headers })
    .end(body);
  return { status, flag };
}

type Routed = Extract<Route, { readonly pod: object }>;
type Upstream = { readonly agent: Agent; readonly addressOf: GatewayOptions["addressOf"] };

/** Resolves when the last byte of the answer was sent: proxies count a request at its end. */
async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { pod, port, url, authority, adds = {} }: Routed,
  { agent, addressOf }: Upstream,
): Promise<Ended> {
  const address = addressOf(pod.status.podIP ?? "", port);
  if (address === undefined) return answer(response, unreachable);
  const left = new AbortController();
  response.once("close", () => response.writableFinished || left.abort());
  const begun = performance.now();
  try {
    const upstream = await send(`http://${address}${url}`, {
      method: request.method ?? "GET",
      headers: { ...endToEnd(request.headers), host: authority },
      body: hasBody(request) ? request : null,
      dispatcher: agent,
      signal: left.signal,
    });
    response.writeHead(upstream.statusCode, {
      ...endToEnd(upstream.headers),
      ...adds,
      server: "istio-envoy",
      "x-envoy-upstream-service-time": String(Math.round(performance.now() - begun)),
    });
    await pipeline(upstream.body, response);
    return { status: upstream.statusCode, flag: "-", pod };
  } catch (error) {
    if (left.signal.aborted && !response.headersSent) return { status: 0, flag: "DC", pod };
    if (response.headersSent) return { status: response.statusCode, flag: left.signal.aborted ? "DC" : "UC", pod };
    return "code" in Object(error) && (error as { code: unknown }).code === "ECONNREFUSED"
      ? answer(response, unreachable)
      : { ...answer(response, cut), pod };
  }
}

const unreachable = {
  status: 503,
  body: "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
  flag: "UF" satisfies Flag,
} as const;
const cut = {
  status: 503,
  body: "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
  flag: "UC" satisfies Flag,
} as const;

function seenIn(request: IncomingMessage): Seen {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : (value ?? ""),
    ]),
  );
  return { method: request.method ?? "GET", url: request.url ?? "/", authority: request.headers.host ?? "", headers };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "te",
  "trailer",
  "proxy-connection",
  "host",
  "expect",
]);

const endToEnd = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      hopByHop.has(name) || value === undefined ? [] : [[name, value]],
    ),
  );

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

const serveMetrics =
  (metrics: IstioMetrics, ofPods: ReadonlyMap<string, IstioMetrics>): RequestListener =>
  (request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    const [, pod] = /^\/pods\/(.+)\/stats\/prometheus$/.exec(path) ?? [];
    const known = path === "/stats/prometheus" || path === "/metrics" || pod !== undefined;
    const shown = pod === undefined ? metrics : ofPods.get(pod);
    response
      .writeHead(known ? 200 : 404, { "content-type": "text/plain; version=0.0.4" })
      .end(known ? (shown?.text() ?? "") : "");
  };

async function listen(
  serve: RequestListener,
  port: number,
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(serve);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gateway has no port");
  return { server, url: `http://127.0.0.1:${address.port}` };
}

/** Requests under way may finish; a client that keeps its connection open for nothing does not hold the end. */
async function closed(server: Server): Promise<void> {
  const done = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await done;
}
