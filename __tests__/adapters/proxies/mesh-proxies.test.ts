import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import type { SentObject } from "../../../sandbox/api-server/object.ts";
import { podRunner } from "../../../sandbox/mesh/pod-runner.ts";
import { meshProxies } from "../../../src/adapters/proxies/mesh-proxies.ts";
import { originOf, type WrittenRule } from "../../../src/istio/envoy-config.ts";
import { readHost } from "../../../src/istio/host.ts";
import { textAt } from "../../../src/kubernetes/field.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import type { Learners, Lesson } from "../../../src/release/learnt.ts";
import { shopTarget } from "../../support/shop-target.ts";
import { gatewayOf, type ProxyCluster, proxyCluster, versionOf } from "./proxies-world.ts";

// Envoys' admin ports over the API server's port-forward, with every answer that is none.

const namespace = "shop";
const { signal } = new AbortController();
const cluster = (subset: string): string => `outbound|80|${subset}|reviews.${namespace}.svc.cluster.local`;
const origin = originOf({ namespace, name: "reviews" });

const routes = (v1: number, v2: number): object => ({
  configs: [
    {
      metadata: { filter_metadata: { istio: { config: origin } } },
      route: {
        weighted_clusters: {
          clusters: [
            { name: cluster("v1"), weight: v1 },
            { name: cluster("v2"), weight: v2 },
          ],
        },
      },
    },
  ],
});

const endpoints = (...addresses: readonly string[]): object => ({
  configs: [
    {
      endpoint_config: {
        cluster_name: cluster("v2"),
        endpoints: [
          { lb_endpoints: addresses.map((address) => ({ endpoint: { address: { socket_address: { address } } } })) },
        ],
      },
    },
  ],
});

const written: WrittenRule = {
  section: "http",
  origin,
  is: "moved",
  destinations: Object.entries({ v1: 90, v2: 10 }).map(([subset, counts]) => ({
    ...{ host: readHost("reviews", namespace), subset, port: undefined },
    ...{ weight: counts, counts, raw: {} },
  })),
};

const shows =
  (...dumps: readonly object[]): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify(dumps.length === 1 ? dumps[0] : dumps));

const caller: SentObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "caller-0", namespace, labels: { app: "caller" } },
  spec: { containers: [{ name: "istio-proxy", image: "registry.test/istio/proxyv2:1.31.0" }] },
};

describe("the proxies of the mesh", () => {
  const admins = new Map<string, RequestListener>();
  const asked: string[] = [];
  const servers = ["gateway-0", "caller-0"].map((name) => ({
    name,
    server: createServer((request, response) => {
      asked.push(`${name} ${request.url}`);
      admins.get(name)?.(request, response);
    }),
  }));
  let world: ProxyCluster;

  before(async () => {
    for (const { server } of servers) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const placeOf = (pod: string): string | undefined => {
      const at = servers.find(({ name }) => name === pod)?.server.address();
      return at && typeof at === "object" && admins.has(pod) ? `127.0.0.1:${at.port}` : undefined;
    };
    const pods = podRunner(({ metadata }, port) => (port === 15_000 ? placeOf(metadata.name) : undefined));
    const reads = { apiGroups: ["*"], resources: ["*"], verbs: ["list", "get"], namespaces: [namespace] };
    const looker = {
      user: "looker",
      rules: [{ ...reads, resources: ["pods", "services", "deployments", "namespaces"] }],
    };
    world = await proxyCluster({ podRunner: pods, addressOf: pods.addressOf, tokens: { looker } });
    world.server.apply([
      versionOf(namespace, shopTarget.stable.deployment),
      versionOf(namespace, shopTarget.canary.deployment),
      ...gatewayOf(namespace),
      caller,
    ]);
    await world.podsOf(namespace, shopTarget.stable.deployment);
    await world.podsOf(namespace, shopTarget.canary.deployment);
  });
  after(async () => {
    await world.close();
    for (const { server } of servers) server.closeAllConnections();
    for (const { server } of servers) server.close();
  });
  beforeEach(() => {
    asked.length = 0;
    for (const name of ["gateway-0", "caller-0"]) admins.set(name, shows(routes(90, 10)));
  });

  const teach = (lesson: Lesson, { token = world.server.adminToken, lookLimit = 60_000 } = {}) =>
    meshProxies({
      ...world.options(namespace),
      network: world.networkOf(token),
      viewers: async () => ["mesh", { namespace, name: "public" }],
      written: async () => [written],
      lookLimit,
      timeout: 60_000,
      mostBytes: 100_000,
    }).teach(lesson);
  const learners: Learners = { gateways: 1, callers: 1, without: [], unread: 0 };

  test("gateways and callers that have what was written have learnt it", async () => {
    assert.deepEqual(await teach("routes").look(signal), learners);
    assert.deepEqual(asked.toSorted(), [
      "caller-0 /config_dump?resource=dynamic_route_configs",
      "gateway-0 /config_dump?resource=dynamic_route_configs",
    ]);
  });

  test("whoever has not is named, and asked again, alone", async () => {
    admins.set("gateway-0", shows(routes(100, 0)));
    const { look } = teach("routes");
    assert.deepEqual(await look(signal), { ...learners, without: [`gateway ${namespace}/gateway-0`] });
    admins.set("gateway-0", shows(routes(90, 10)));
    assert.deepEqual(await look(signal), learners);
    assert.equal(asked.filter((one) => one.startsWith("caller-0")).length, 1);
  });

  test("a caller that follows none of these routes is nobody's, a gateway is to have them", async () => {
    for (const name of ["gateway-0", "caller-0"]) admins.set(name, shows({}));
    assert.deepEqual(await teach("routes").look(signal), {
      ...{ ...learners, callers: 0 },
      without: [`gateway ${namespace}/gateway-0`],
    });
  });

  test("a version's pods are known where all of their addresses are", async () => {
    const [name = ""] = await world.podsOf(namespace, shopTarget.canary.deployment);
    const pod = await world.options(namespace).client.get(resources.pods, namespace, name);
    admins.set("gateway-0", shows(endpoints(textAt(pod, "status", "podIP") ?? "", "10.0.0.9")));
    admins.set("caller-0", shows(endpoints("10.0.0.9")));
    assert.deepEqual(await teach("canary").look(signal), { ...learners, without: [`caller ${namespace}/caller-0`] });
    const { search } = new URL(asked[0]?.split(" ")[1] ?? "", "http://localhost");
    assert.match(cluster("v2"), new RegExp(`^${new URLSearchParams(search).get("name_regex")}$`));
  });

  const noAnswers: Readonly<Record<string, RequestListener | undefined>> = {
    "nobody listens": undefined,
    "the connection is cut": (request) => request.socket.destroy(),
    "half of an answer": (request, response) => void response.write('{"configs":', () => request.socket.destroy()),
    "no JSON": (_, response) => void response.end("upstream connect error"),
    "an error": (_, response) => void response.writeHead(500).end("{}"),
    "more than anybody reads": (_, response) => void response.end(" ".repeat(3_000_000)),
  };
  for (const [what, answer] of Object.entries(noAnswers))
    test(`${what}: whoever cannot be read is counted, and the others are enough`, async () => {
      if (answer) admins.set("caller-0", answer);
      else admins.delete("caller-0");
      assert.deepEqual(await teach("routes").look(signal), { ...learners, callers: 0, unread: 1 });
    });

  test("a proxy that hangs keeps nobody from being heard, is not asked again meanwhile, and may answer later", async () => {
    let answer = (): void => undefined;
    admins.set("caller-0", (_, response) => {
      answer = () => void response.end(JSON.stringify(routes(90, 10)));
    });
    const { look } = teach("routes", { lookLimit: 300 });
    for (let heard = 0; heard < 1; ) heard = (await look(signal)).gateways; // a busy machine may need several
    assert.deepEqual(await look(signal), { ...learners, callers: 0, unread: 1 });
    answer();
    for (let callers = 0; callers < 1; ) callers = (await look(signal)).callers;
    assert.equal(asked.filter((one) => one.startsWith("caller-0")).length, 1);
  });

  test("whoever hangs is let go when the lesson is over", async () => {
    const over = new AbortController();
    admins.set("caller-0", () => over.abort(new Error("superseded")));
    await assert.rejects(teach("routes").look(over.signal), /superseded/);
  });

  test("a job without the right is told so with the rule, and asks no more", async () => {
    const { look } = teach("routes", { token: "looker" });
    const { because = "", ...nobody } = await look(signal);
    assert.match(because, /cannot get resource "pods\/portforward".*verbs: \[get, create\].*docs\/rbac.yaml/);
    assert.deepEqual(nobody, { gateways: 0, callers: 0, without: [], unread: 0 });
    const forwards = { path: /portforward/ };
    const before = world.server.requests.count(forwards);
    assert.equal((await look(signal)).because, because);
    assert.equal(world.server.requests.count(forwards), before);
  });
});
