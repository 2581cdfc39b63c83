import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { behaviourOf } from "./behaviour.ts";
import { type Pod, podSchema } from "./objects.ts";

/** Runs what a kubelet would: real HTTP servers, one for each port of a pod. */
export interface PodRunner {
  /** Serves the pod's ports and gives it an address of the pod network. The same pod (by uid) is started once. */
  start(pod: unknown): Promise<{ readonly ip: string }>;
  /** Lets requests under way finish, and is not reachable from the first moment on. Unknown pods are no error. */
  stop(pod: unknown): Promise<void>;
  /** Where on this machine a port of a pod really is; undefined where nothing listens. */
  addressOf(ip: string, port: number): string | undefined;
  close(): Promise<void>;
}

type Running = { readonly pod: Pod; readonly ip: string; readonly servers: ReadonlyMap<number, Server> };

/** What a pod's port is that somebody else on this machine serves: `127.0.0.1:1234`. */
export type Elsewhere = (pod: Pod, port: number) => string | undefined;

/**
 * Pods live on ports of 127.0.0.1 (macOS has no other loopback address), and wear addresses of a pod network,
 * because that is what an API server takes.
 */
export function podRunner(elsewhere: Elsewhere = () => undefined): PodRunner {
  const pods = new Map<string, Promise<Running>>();
  const byAddress = new Map<string, Running>();
  let started = 0;

  async function run(given: unknown): Promise<Running> {
    const pod = podSchema.parse(given);
    started += 1;
    const ip = `10.244.${Math.floor(started / 254)}.${(started % 254) + 1}`;
    const ports = pod.spec.containers.flatMap(({ image, ports }) =>
      ports.map(({ containerPort }) => ({ image, containerPort })),
    );
    const listening = await Promise.all(
      ports.map(async ({ image, containerPort }) => [containerPort, await serve(pod.metadata.name, image)] as const),
    );
    const running = { pod, ip, servers: new Map(listening) };
    byAddress.set(ip, running);
    return running;
  }

  async function end(key: string): Promise<void> {
    const running = await pods.get(key)?.catch(() => undefined);
    pods.delete(key);
    if (!running) return;
    byAddress.delete(running.ip);
    await Promise.all([...running.servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  }

  return {
    async start(pod) {
      const key = keyOf(pod);
      const running = pods.get(key) ?? run(pod);
      pods.set(key, running);
      const { ip } = await running;
      return { ip };
    },
    stop: (pod) => end(keyOf(pod)),
    addressOf(ip, port) {
      const running = byAddress.get(ip);
      const address = running?.servers.get(port)?.address();
      if (typeof address === "object" && address !== null) return `127.0.0.1:${address.port}`;
      return running && elsewhere(running.pod, port);
    },
    async close() {
      await Promise.all([...pods.keys()].map(end));
    },
  };
}

function keyOf(pod: unknown): string {
  const { uid, namespace, name } = podSchema.parse(pod).metadata;
  return uid === "" ? `${namespace}/${name}` : uid;
}

async function serve(pod: string, image: string): Promise<Server> {
  const { version, errors, slow, notReady } = behaviourOf(image);
  let asked = 0;
  const fails = (): boolean => errors > 0 && (++asked * errors) % 100 < errors; // evenly spread, and exact: 20 of 100
  const server = createServer(async (request, response) => {
    request.resume();
    const health = request.url === "/healthz";
    if (slow > 0 && !health) await sleep(slow);
    const status = health ? (notReady ? 503 : 200) : fails() ? 500 : 200;
    response
      .writeHead(status, { "content-type": "application/json", "x-pod": pod })
      .end(JSON.stringify({ pod, version, path: request.url }));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server;
}
