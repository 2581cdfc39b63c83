import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { connect, type KubernetesClient, KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { nodeTransport } from "../../../src/adapters/node/node-transport.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { tell, UnreachableError } from "../../../src/lib/errors.ts";
import { jumpingClock } from "../../support/clock.ts";
import { type Cluster, inCluster } from "../../support/cluster.ts";
import { type Between, withBetween } from "../../support/transports.ts";

const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one", namespace: "default" } };
const get = ({ client }: Cluster) => client.get(resources.configMaps, "default", "one");
const asked = ({ server }: Cluster): number => server.requests.count({ path: "configmaps/one" });

test("an answer that says to come back is asked for again", () =>
  inCluster([configMap], async (cluster) => {
    cluster.server.fail({ path: "configmaps/one", status: 429, times: 1 });
    assert.equal((await get(cluster))?.metadata.name, "one");
    assert.equal(asked(cluster), 2);
  }));

test("a success that is no JSON is that of a proxy on the way: it is asked for again, and told when it stays so", () =>
  inCluster([configMap], async (cluster) => {
    let answers = 0;
    let last = 1;
    const between: Between = async (_, forward) => {
      const answer = await forward();
      return ++answers <= last ? { ...answer, text: "<html>one moment</html>" } : answer;
    };
    const client = clientThrough(cluster, between);
    assert.equal((await client.get(resources.configMaps, "default", "one"))?.metadata.name, "one");
    last = Infinity;
    await assert.rejects(
      client.get(resources.configMaps, "default", "one"),
      (error) =>
        error instanceof UnreachableError && /200, and not what was asked for: <html>one moment/.test(error.message),
    );
  }));

test("an object as it was before what was given earlier is that of a cache: it is asked for again, and told when it stays so", async () => {
  const versions = ["9", "10", "9", "10", ...Array.from({ length: 7 }, () => "9")];
  const metadata = { name: "one", namespace: "default", uid: "1b2c" };
  const transport = {
    send: async () => ({
      status: 200,
      headers: {},
      text: JSON.stringify({ ...configMap, metadata: { ...metadata, resourceVersion: versions.shift() } }),
    }),
  };
  const authorize = async () => ({ headers: {}, tls: {} });
  const client = connect({ clock: jumpingClock(), transport }, { server: "https://api.test", authorize });
  const read = async () => (await client.get(resources.configMaps, "default", "one"))?.metadata.resourceVersion;
  assert.deepEqual([await read(), await read(), await read()], ["9", "10", "10"]);
  await assert.rejects(
    read(),
    (error) => error instanceof UnreachableError && /cache that is behind/.test(error.message),
  );
});

test("an object that was asked for before another answer came is as it was then", async () => {
  const waiting: ((version: string) => void)[] = [];
  const transport = {
    send: () =>
      new Promise<{ status: number; headers: object; text: string }>((resolve) => {
        waiting.push((resourceVersion) =>
          resolve({
            status: 200,
            headers: {},
            text: JSON.stringify({ ...configMap, metadata: { name: "one", uid: "1b2c", resourceVersion } }),
          }),
        );
      }),
  };
  const authorize = async () => ({ headers: {}, tls: {} });
  const client = connect({ clock: jumpingClock(), transport } as never, { server: "https://api.test", authorize });
  const reads = [1, 2].map(() => client.get(resources.configMaps, "default", "one"));
  await new Promise((resolve) => setImmediate(resolve));
  waiting[1]?.("10");
  await reads[1];
  waiting[0]?.("9");
  assert.equal((await reads[0])?.metadata.resourceVersion, "9");
});

/** A client that waits for nothing, of a server that its answers are changed of on the way. */
function clientThrough({ server }: Cluster, between: Between) {
  const clock = { ...nodeClock, sleepUntil: async () => {} };
  const authorize = async () => ({ headers: { authorization: `Bearer ${server.adminToken}` }, tls: { ca: server.ca } });
  return connect({ clock, transport: withBetween(nodeTransport(), between) }, { server: server.url, authorize });
}

/** The first answers are this, and no call gets any further. */
const firstly = (
  times: number,
  status: number,
  text = `{"message":"${status}"}`,
): Between & { asked: () => number } => {
  let asked = 0;
  const between: Between = async (_, forward) =>
    ++asked <= times ? { status, headers: { "content-type": "application/json" }, text } : forward();
  return Object.assign(between, { asked: () => asked });
};

const namespace = "default";
const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: {} };
const calls: Readonly<Record<string, (client: KubernetesClient) => Promise<unknown>>> = {
  get: (client) => client.get(resources.configMaps, namespace, "one"),
  list: (client) => client.list(resources.configMaps, namespace),
  versions: (client) => client.versions("apps"),
  create: (client) =>
    client.create(resources.configMaps, namespace, { ...configMap, metadata: { name: "two", namespace } }),
  replace: (client) => client.replace(resources.configMaps, namespace, "one", configMap),
  patch: (client) =>
    client.patch(resources.configMaps, namespace, "one", { type: "merge", body: { data: { a: "1" } } }),
  delete: (client) => client.delete(resources.configMaps, namespace, "one"),
  review: (client) =>
    client.create(resources.selfSubjectAccessReviews, undefined, {
      ...review,
      spec: { resourceAttributes: { verb: "get", resource: "pods", namespace } },
    }),
  "dry run": (client) =>
    client.patch(
      resources.configMaps,
      namespace,
      "one",
      { type: "merge", body: { data: { a: "1" } } },
      { dryRun: true },
    ),
};
/** Where nothing is stored, nothing is overtaken. */
const storesNothing = ["get", "list", "versions", "review", "dry run"];

for (const [name, call] of Object.entries(calls))
  test(`a "no" that may be a moment's is asked again three times, and then it is meant: ${name}`, () =>
    inCluster([configMap], async (cluster) => {
      for (const status of storesNothing.includes(name) ? [401, 403, 409] : [401, 403]) {
        await call(clientThrough(cluster, firstly(3, status)));
        cluster.server.apply([configMap]);
        if (name === "create") await cluster.client.delete(resources.configMaps, namespace, "two");
        const meant = firstly(9, status);
        await assert.rejects(
          call(clientThrough(cluster, meant)),
          (error) => error instanceof KubernetesError && error.status === status,
        );
        assert.equal(meant.asked(), 4);
      }
    }));

/** A delete shows no object that somebody reads. */
const { delete: _, ...shownObjects } = calls;
const otherAnswers: Readonly<Record<string, string>> = {
  "an empty object": "{}",
  null: "null",
  "a text": '"ok"',
  "an object of another kind and name": JSON.stringify({ ...review, metadata: { name: "other" } }).replace(
    "Review",
    "Rule",
  ),
};
for (const [what, text] of Object.entries(otherAnswers))
  test(`a success that is ${what} is asked for again, and is no absence: whatever the call`, () =>
    inCluster([configMap], async (cluster) => {
      for (const [name, call] of Object.entries(shownObjects)) {
        const passing = firstly(1, 200, text);
        await call(clientThrough(cluster, passing));
        assert.ok(passing.asked() > 1, name);
        await assert.rejects(call(clientThrough(cluster, firstly(Infinity, 200, text))), UnreachableError, name);
      }
    }));

test("a write that was overtaken is nothing to send again", () =>
  inCluster([configMap], async (cluster) => {
    const overtaken = firstly(9, 409);
    await assert.rejects(calls.replace?.(clientThrough(cluster, overtaken)) ?? assert.fail(), { status: 409 });
    assert.equal(overtaken.asked(), 1);
  }));

for (const [status, text, next] of [
  [401, '{"message":"Unauthorized"}', "The login that the kubeconfig gives is not valid, or not any more."],
  [
    403,
    JSON.stringify({
      message: 'pods is forbidden: User "job" cannot list resource "pods" in API group "" in the namespace "shop"',
    }),
    `Add {apiGroups: [""], resources: [pods], verbs: [list]} to the job's Role in shop; docs/rbac.yaml has them all.`,
  ],
  [403, JSON.stringify({ message: 'admission webhook "freeze" denied the request' }), undefined],
  [403, "<html>Forbidden</html>", "It does not speak as an API server does: a proxy on the way may have said it."],
] as const)
  test(`a "no" says what to do about it where that is known: ${text}`, () =>
    inCluster([configMap], async (cluster) => {
      await assert.rejects(calls.get?.(clientThrough(cluster, firstly(9, status, text))) ?? assert.fail(), {
        name: "KubernetesError",
        next,
      });
    }));

test("a server that stays broken is unreachable in the end, and its words are told", () =>
  inCluster([configMap], async (cluster) => {
    cluster.server.fail({ path: "configmaps/one", status: 503, message: "etcd is away", times: 99 });
    await assert.rejects(
      get(cluster),
      (error) => error instanceof UnreachableError && /503: etcd is away/.test(error.message),
    );
    assert.equal(asked(cluster), 7);
  }));

test("a server that is away is never left alone for more than a second", async () => {
  const clock = jumpingClock();
  const asked: number[] = [];
  const transport = {
    send: async () => {
      asked.push(clock.now());
      throw new Error("connection refused");
    },
  };
  const authorize = async () => ({ headers: {}, tls: {} });
  const client = connect({ clock, transport }, { server: "https://api.test", authorize });
  await assert.rejects(client.get(resources.configMaps, "default", "one"), UnreachableError);
  const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  assert.equal(Math.max(...pauses), 1_000);
});

test("who has no login is told so, and not that the server is away", async () => {
  let tries = 0;
  const authorize = async () => {
    tries++;
    throw new Error("aws: no such command");
  };
  const transport = { send: () => assert.fail("nothing is sent") };
  const client = connect({ clock: jumpingClock(), transport }, { server: "https://api.test", authorize });
  await assert.rejects(client.get(resources.configMaps, "default", "one"), (error) => {
    assert.equal(tell(error), "there is no login for the API server at https://api.test (aws: no such command)");
    return error instanceof UnreachableError;
  });
  assert.equal(tries, 7, "a plugin may hiccup as well");
});

test("a connection that breaks before the answer is tried again", () =>
  inCluster([configMap], async (cluster) => {
    cluster.server.fail({ path: "configmaps/one", drop: "before" });
    assert.equal((await get(cluster))?.metadata.name, "one");
  }));

test("an apply with a field of a wrong type is a refusal, though the server calls it 500", () =>
  inCluster([configMap], async (cluster) => {
    const body = { ...configMap, data: { count: 1 } };
    await assert.rejects(
      cluster.client.patch(resources.configMaps, "default", "one", { type: "apply", body, force: false }),
      (error) => error instanceof KubernetesError,
    );
    assert.equal(cluster.server.requests.count({ method: "PATCH" }), 1);
  }));

test("an abort ends a request and its repetitions, with the signal's own reason", () =>
  inCluster([configMap], async (cluster) => {
    cluster.server.fail({ path: "configmaps/one", delay: 60_000 });
    const stop = new AbortController();
    const answer = cluster.client.get(resources.configMaps, "default", "one", { signal: stop.signal });
    stop.abort(new Error("somebody stopped it"));
    await assert.rejects(answer, /somebody stopped it/);
  }));

test("requests share one connection", async () => {
  let connections = 0;
  const server = createServer((_, response) => void response.end(JSON.stringify(configMap))).on("connection", () => {
    connections++;
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect(nodeWorld(), {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorize: async () => ({ headers: {}, tls: {} }),
  });
  try {
    for (let count = 0; count < 20; count++) await client.get(resources.configMaps, "default", "one");
    assert.equal(connections, 1);
  } finally {
    server.close();
  }
});
