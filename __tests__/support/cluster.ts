import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../sandbox/api-server/api-server.ts";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import type { Millis } from "../../src/lib/duration.ts";

export type Cluster = {
  readonly server: ApiServer;
  readonly client: KubernetesClient;
  /** `VERB path` of every request that the work sends, without namespace and query. */
  readonly requestsOf: (work: () => Promise<unknown>) => Promise<readonly string[]>;
};

export const clientOf = ({ url, ca, adminToken }: ApiServer, token = adminToken): KubernetesClient =>
  connect(nodeWorld(), {
    server: url,
    authorize: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: { ca } }),
  });

/** The place for a contract suite: an API server of its own, and namespaces in it. */
export async function sandboxWorld(options: ApiServerOptions = {}) {
  const server = await startApiServer(options);
  const client = clientOf(server);
  let namespaces = 0;
  return {
    client,
    async createNamespace() {
      const name = `shop-${++namespaces}`;
      server.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name } }]);
      return name;
    },
    apply: async (objects: readonly SentObject[]) => server.apply(objects),
    close: () => server.close(),
  };
}

/** Runs a test against an API server of its own, in which pods live fast. */
export async function inCluster(
  objects: readonly SentObject[],
  run: (cluster: Cluster) => Promise<void>,
  options: ApiServerOptions = {},
): Promise<void> {
  const server = await startApiServer({
    podTimes: { becomesReady: 5, crashes: 5, pullBackOff: 5, terminates: 5 },
    ...options,
  });
  const client = clientOf(server);
  try {
    server.apply(objects);
    await run({ server, client, requestsOf: (work) => requestsOf(server, work) });
  } finally {
    await server.close();
  }
}

async function requestsOf(server: ApiServer, work: () => Promise<unknown>): Promise<readonly string[]> {
  server.requests.clear();
  await work();
  return server.requests.all().map(
    ({ method, path }) =>
      `${method} ${path
        .replace(/\?.*/, "")
        .split("/")
        .slice(path.startsWith("/api/") ? 3 : 4)
        .join("/")
        .replace(/^namespaces\/[^/]+\//, "")}`,
  );
}

/** What is asked for comes by itself within moments, or never. A question may take long itself, so tries are not counted. */
const mostPatience: Millis = 120_000;

/** Asks again until it is so. Ends only because a test must end. */
export async function until<T>(what: string, ask: () => Promise<T> | T, done: (answer: T) => boolean): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const answer = await ask();
    if (done(answer)) return answer;
    if (performance.now() - begun > mostPatience) assert.fail(`it never came to be that ${what}`);
    await sleep(20);
  }
}
