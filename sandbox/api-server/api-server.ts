import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createAdmission, type Denial } from "./admission.ts";
import { administrator, createToken, type User } from "./authorization.ts";
import { createCertificate } from "./certificate.ts";
import { realClock, type SandboxClock } from "./clock.ts";
import { startDeploymentController } from "./controllers/deployment-controller.ts";
import { startGarbageCollector } from "./controllers/garbage-collector.ts";
import { type PodRunner, type PodTimes, podTimes, startKubelet } from "./controllers/kubelet.ts";
import { type Quota, startReplicaSetController } from "./controllers/replica-set-controller.ts";
import { startRouteController } from "./controllers/route-controller.ts";
import { createFaults, createRequestLog, type Fault, type RequestLog } from "./faults.ts";
import { kindNamed, kindOf } from "./kind.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import type { SentObject, StoredObject } from "./object.ts";
import { createObjects } from "./objects.ts";
import { passOn } from "./pass-on.ts";
import { forwardPort } from "./port-forward.ts";
import { type ApiRequest, createResponder, type Reply } from "./respond.ts";
import { ApiError } from "./status.ts";
import { createStore, type Store } from "./store.ts";

export type ApiServerOptions = {
  /** Users besides the administrator, by their bearer token. */
  readonly tokens?: Readonly<Record<string, User>>;
  /** Time, by which everything happens that is not at once. Default: the real one. */
  readonly clock?: SandboxClock;
  readonly podTimes?: Partial<PodTimes>;
  readonly podRunner?: PodRunner;
  /** Where on this machine a port of the pod network is, for what is passed on. Default: nobody listens anywhere. */
  readonly addressOf?: (ip: string, port: number) => string | undefined;
  /** A quota in every namespace. Default: none. */
  readonly quota?: Quota;
  /** Namespaces that are there from the start. Default: `default`. */
  readonly namespaces?: readonly string[];
};

export interface ApiServer {
  readonly url: string;
  /** The PEM text of the certificate that clients have to trust. */
  readonly ca: string;
  readonly adminToken: string;
  /** A kubeconfig as YAML text, the administrator's without a token. */
  kubeconfig(token?: string, namespace?: string): string;
  /** What is stored, to look at. */
  readonly store: Store;
  /** Creates or changes objects as an administrator who runs `kubectl apply`. */
  apply(objects: readonly SentObject[]): void;
  /** Every request that came, with its answer. */
  readonly requests: RequestLog;
  /** Breaks the next requests that match; the answer takes it back. */
  fail(fault: Fault): () => void;
  /** A webhook refuses writes; the answer takes it back. */
  deny(denial: Denial): () => void;
  /** Sets or (undefined) lifts the quota. */
  setQuota(quota: Quota | undefined): void;
  close(): Promise<void>;
}

/** Starts a Kubernetes API server with the controllers that a release meets, on a free port of the loopback. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const clock = options.clock ?? realClock();
  const store = createStore();
  const admission = createAdmission();
  const objects = createObjects(store, admission, clock);
  const faults = createFaults();
  const requests = createRequestLog();
  const adminToken = createToken();
  const users = new Map<string, User>([...Object.entries(options.tokens ?? {}), [adminToken, administrator]]);
  let { quota } = options;

  const control = { store, objects, clock };
  startGarbageCollector(control);
  startKubelet(control, options.podRunner, { ...podTimes, ...options.podTimes });
  startReplicaSetController(control, () => quota);
  startDeploymentController(control);
  startRouteController(control);
  const namespaces = kindNamed("namespaces");
  for (const name of options.namespaces ?? ["default"])
    objects.create({ kind: namespaces, version: "v1", manager: "kube-apiserver" }, { metadata: { name } });

  const responder = createResponder({ store, objects, users });

  async function answerTo(asked: ApiRequest): Promise<Reply> {
    const reply = responder.to(asked);
    return reply.passTo ? passOn(reply.passTo, asked, options.addressOf ?? (() => undefined)) : reply;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/" } = request;
    const body = await read(request);
    const fault = faults.take(method, path);
    const asked = { method, path, headers: request.headers, body };
    const log = (status: number): void =>
      requests.add({ method, path, status, user: responder.userOf(asked)?.user ?? "", body });
    if (fault !== undefined && "delay" in fault)
      await new Promise<void>((resolve) => clock.after(fault.delay, resolve));
    if (fault !== undefined && "hold" in fault) await fault.hold();
    if (fault !== undefined && "drop" in fault && fault.drop === "before") return drop(request, log);
    const reply = fault !== undefined && "status" in fault ? faulty(fault) : await answerTo(asked);
    if (fault !== undefined && "drop" in fault) return drop(request, log);
    log(reply.status);
    send(response, reply);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { method = "GET", url: path = "/" } = request;
    socket.on("error", () => socket.destroy());
    const asked = { method, path, headers: request.headers, body: "" };
    const fault = faults.take(method, path);
    const reply = fault !== undefined && "status" in fault ? faulty(fault) : responder.to(asked);
    requests.add({ method, path, status: reply.status, user: responder.userOf(asked)?.user ?? "", body: "" });
    if (fault !== undefined && "hold" in fault) return;
    const { forwardTo } = reply;
    const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
    if (forwardTo) forwardPort(request, socket, head, forwardTo, options.addressOf?.(forwardTo.ip, forwardTo.port));
    else socket.end(`HTTP/1.1 ${reply.status} refused\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  const { key, cert } = await createCertificate();
  const server = createServer({ key, cert }, (request, response) => {
    serve(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  server.on("upgrade", upgrade);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    ca: cert,
    adminToken,
    kubeconfig: (token = adminToken, namespace = "default") => kubeconfigText({ url, ca: cert, token, namespace }),
    store,
    apply: (wanted) => {
      for (const object of wanted) applyAsAdministrator(object);
    },
    requests,
    fail: faults.add,
    deny: admission.deny,
    setQuota(next) {
      quota = next;
    },
    async close() {
      clock.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function applyAsAdministrator(object: SentObject): StoredObject {
    const kind = kindOf(object);
    const { name = "", namespace = "default" } = object.metadata ?? {};
    if (kind === undefined) throw new Error(`the sandbox does not serve ${object.apiVersion} ${object.kind}`);
    if (kind.namespaced && store.get(namespaces, undefined, namespace) === undefined)
      applyAsAdministrator({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const version = object.apiVersion?.split("/").at(-1) ?? "v1";
    return objects.apply(
      { kind, version, manager: "kubectl", ...(kind.namespaced ? { namespace } : {}) },
      name,
      object,
      true,
    ).object;
  }
}

function faulty({ status, message, headers = {} }: Extract<Fault, { readonly status: number }>): Reply {
  const error = new ApiError(status, faultReasons[status] ?? "", message ?? `the sandbox was told to answer ${status}`);
  return { status, body: error.body, headers };
}

const faultReasons: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function drop(request: IncomingMessage, log: (status: number) => void): void {
  log(0);
  request.socket.destroy();
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, { status, body, warnings = [], headers = {} }: Reply): void {
  const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (warnings.length > 0)
    response.setHeader(
      "warning",
      [...new Set(warnings)].map((warning) => `299 - ${JSON.stringify(warning)}`),
    );
  const contentType = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": contentType, ...headers });
  response.end(text);
}
