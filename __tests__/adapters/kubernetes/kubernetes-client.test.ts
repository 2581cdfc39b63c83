import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { connect, KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { nodeTransport } from "../../../src/adapters/node/node-transport.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { UnreachableError } from "../../../src/lib/errors.ts";
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
  inCluster([configMap], async ({ server }) => {
    let answers = 0;
    let last = 1;
    const between: Between = async (_, forward) => {
      const answer = await forward();
      return ++answers <= last ? { ...answer, text: "<html>one moment</html>" } : answer;
    };
    const network = {
      clock: { ...nodeClock, sleepUntil: async () => {} },
      transport: withBetween(nodeTransport(), between),
    };
    const authorize = async () => ({
      headers: { authorization: `Bearer ${server.adminToken}` },
      tls: { ca: server.ca },
    });
    const client = connect(network, { server: server.url, authorize });
    assert.equal((await client.get(resources.configMaps, "default", "one"))?.metadata.name, "one");
    last = Infinity;
    await assert.rejects(
      client.get(resources.configMaps, "default", "one"),
      (error) => error instanceof UnreachableError && /200, and no JSON: <html>one moment/.test(error.message),
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
  const reads = ["one", "two"].map((name) => client.get(resources.configMaps, "default", name));
  await new Promise((resolve) => setImmediate(resolve));
  waiting[1]?.("10");
  await reads[1];
  waiting[0]?.("9");
  assert.equal((await reads[0])?.metadata.resourceVersion, "9");
});

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
