import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { behaviourOf } from "./behaviour.ts";
import type { Close } from "./container.ts";
import type { ContainerSpec } from "./objects.ts";

/** What a container's program needs from its pod. */
export type Surroundings = {
  readonly pod: string;
  readonly address: string;
  /** Milliseconds since the container was started. */
  readonly age: () => number;
  readonly say: (line: string) => void;
  /** Of ports that are called `tls`. */
  readonly certificate: { readonly key: Buffer; readonly cert: Buffer };
  /** Told of each answer. */
  readonly answered: (request: IncomingMessage, status: number, milliseconds: number) => void;
  /** Asks another service, through the pod's proxy where it has one. */
  readonly ask: (
    url: URL,
    headers: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
};

/** Starts the program of a container on all its ports. Every answer is JSON that says who gave it. */
export async function startApplication(spec: ContainerSpec, surroundings: Surroundings): Promise<Close> {
  const behaviour = behaviourOf(spec.image);
  const ports = behaviour.refuses ? [] : (spec.ports ?? []);
  const answer = answerer(spec, surroundings);
  const servers = await Promise.all(
    ports.map(({ name, containerPort }) =>
      listen(
        name === "tls" ? createTlsServer(surroundings.certificate, answer) : createServer(answer),
        containerPort,
        surroundings.address,
      ),
    ),
  );
  return (abruptly) => closeAll(servers, abruptly);
}

export async function listen(server: Server, port: number, address: string): Promise<Server> {
  // Envoy keeps idle connections for an hour; a server that closes them earlier fails the request that is just on its way.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  server.listen(port, address);
  await once(server, "listening");
  return server;
}

/** Politely: requests under way have a second to be answered. */
export async function closeAll(servers: readonly Server[], abruptly: boolean): Promise<void> {
  const closed = Promise.all(servers.map((server) => once(server, "close")));
  for (const server of servers) server.close();
  if (!abruptly) await Promise.race([closed, sleep(1_000)]);
  for (const server of servers) server.closeAllConnections();
  await closed;
}

function answerer(spec: ContainerSpec, { pod, age, say, answered, ask }: Surroundings): RequestListener {
  const behaviour = behaviourOf(spec.image);
  const backends = (spec.env?.find(({ name }) => name === "BACKEND_URL")?.value ?? "")
    .split(/[\s,]+/)
    .filter((url) => url !== "");
  let requests = 0;

  const isBad = (): boolean => behaviour.errors > 0 && (++requests * behaviour.errors) % 100 < behaviour.errors;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    request.resume();
    if (request.headers["user-agent"]?.startsWith("kube-probe/"))
      return send(response, age() >= behaviour.start * 1_000 ? 200 : 503, { healthy: true });
    if (behaviour.slow > 0) await sleep(behaviour.slow);
    const bad = isBad();
    const answers = bad
      ? []
      : await Promise.all(backends.map(async (url) => ({ url, ...(await ask(new URL(url), passedOn(request))) })));
    const status = bad ? 500 : answers.some((backend) => backend.status >= 500) ? 502 : 200;
    send(response, status, {
      pod,
      version: behaviour.version,
      path: request.url,
      ...(answers.length === 0 ? {} : { backends: answers }),
    });
    say(`${request.method} ${request.url} ${status}`);
    answered(request, status, performance.now() - began);
  }

  const send = (response: ServerResponse, status: number, body: object): void =>
    void response
      .writeHead(status, { "content-type": "application/json", "x-pod": pod, "x-version": behaviour.version })
      .end(JSON.stringify(body));

  return (request, response) =>
    void respond(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
}

/** Headers that a well-behaved service hands on: the ones by which routes choose. */
function passedOn({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const own = new Set([
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "accept-encoding",
  ]);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      own.has(name) || name.startsWith("x-envoy") || typeof value !== "string" ? [] : [[name, value]],
    ),
  );
}
