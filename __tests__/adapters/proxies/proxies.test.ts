import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { mostPods } from "../../../src/adapters/proxies/roster.ts";
import type { Count } from "../../../src/evidence/tally.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import type { Increments, MetricSource } from "../../../src/ports/metric-source.ts";
import type { Finding } from "../../../src/ports/preflight.ts";
import type { Gate } from "../../../src/release/gate.ts";
import { clientOf, until } from "../../support/cluster.ts";
import { planWith } from "../../support/plan-with.ts";
import { gatewayOf, type ProxyCluster, proxyCluster, versionOf } from "./proxies-world.ts";

const signal = new AbortController().signal;
const namespace = "shop";

async function cluster(t: TestContext, ...options: Parameters<typeof proxyCluster>): Promise<ProxyCluster> {
  const made = await proxyCluster(...options);
  t.after(made.close);
  return made;
}

type Told = Readonly<Record<string, string>>;

/** A line of `istio_requests_total` without its value. */
const series = (reporter: string, workload: string, more: Told = {}): string => {
  const labels = {
    reporter,
    destination_workload: workload,
    destination_workload_namespace: workload === "unknown" ? "unknown" : namespace,
    destination_service: `reviews.${namespace}.svc.cluster.local`,
    source_workload_namespace: "istio-system",
    response_code: "200",
    response_flags: "-",
    grpc_response_status: "",
    ...more,
  };
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
  return `istio_requests_total{${pairs.join(",")}}`;
};

const look = (source: MetricSource, at = Date.now()): Promise<Increments> => source.look(at, signal);
const pairOf = ({ requests, errors }: Count): readonly number[] => [requests, errors];
const pairs = ({ stable, canary, lost }: Increments) => [pairOf(stable), pairOf(canary), lost];

/** Two versions with a pod each, and a gateway; every pod has counted something already. */
async function shop(t: TestContext, ...options: Parameters<typeof proxyCluster>) {
  const world = await cluster(t, ...options);
  world.server.apply([versionOf(namespace, "reviews-v1"), versionOf(namespace, "reviews-v2"), ...gatewayOf(namespace)]);
  const [stable = ""] = await world.podsOf(namespace, "reviews-v1");
  const [canary = ""] = await world.podsOf(namespace, "reviews-v2");
  const show = (pod: string, ...counters: readonly (readonly [string, number])[]): void =>
    void world.shown.set(`${namespace}/${pod}`, new Map(counters));
  show(stable, [series("destination", "reviews-v1"), 1_000]);
  show(canary, [series("destination", "reviews-v2"), 10]);
  show("gateway-0", [series("source", "reviews-v1"), 1_000]);
  return { ...world, stable, canary, show };
}

test("a canary's pod that nobody can connect to fails at the gateway, and counts as the canary's", async (t) => {
  const { metrics, show } = await shop(t);
  const source = metrics(namespace).watch();
  await look(source);
  show(
    "gateway-0",
    [series("source", "reviews-v1"), 1_090],
    [series("source", "reviews-v2", { response_code: "503", response_flags: "UF" }), 7],
    [series("source", "reviews-v2", { response_code: "503", response_flags: "URX,UF" }), 2],
    [series("source", "reviews-v2", { response_code: "503" }), 40],
    [series("source", "unknown", { response_code: "503", response_flags: "UH" }), 3],
  );
  assert.deepEqual(pairs(await look(source)), [[0, 0], [9, 9], 3]);
});

test("what is open at the canary's pods beyond what is at as many of stable's waits for it", async (t) => {
  const world = await shop(t);
  world.server.apply([versionOf(namespace, "reviews-v1", 2)]);
  const listener = (port: number) => `envoy_listener_downstream_cx_active{listener_address="0.0.0.0_${port}"}`;
  const inbound = 'envoy_cluster_upstream_rq_active{cluster_name="inbound|9080||"}';
  const outbound = 'envoy_cluster_upstream_rq_active{cluster_name="outbound|9080||ratings.shop.svc.cluster.local"}';
  for (const pod of await world.podsOf(namespace, "reviews-v1"))
    world.show(pod, [listener(15_006), 4], [listener(15_001), 500]);
  const waiting = async (...shown: readonly (readonly [string, number])[]): Promise<number | undefined> => {
    world.show(world.canary, [series("destination", "reviews-v2"), 10], ...shown);
    const source = world.metrics(namespace).watch();
    await look(source);
    return (await look(source)).waiting;
  };
  assert.equal(await waiting([listener(15_006), 40], [listener(15_001), 7]), 36);
  assert.equal(await waiting([listener(15_006), 3]), 0);
  assert.equal(await waiting([inbound, 30], [outbound, 900], [listener(15_006), 40]), 26, "requests tell more");
  assert.equal(await waiting(), undefined, "where a proxy shows none");
  assert.ok(world.asked.every((path) => /filter=[^&]*upstream_rq_active/.test(path)));
});

/** A pod that Istio runs for a Gateway of the Gateway API, a waypoint among them. */
const podFor = (gateway: string, place = namespace) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `${gateway}-0`, namespace: place, labels: { "gateway.networking.k8s.io/gateway-name": gateway } },
  spec: { containers: [{ name: "istio-proxy", image: "registry.test/istio/proxyv2:1.31.0" }] },
});

test("the pods of an HTTPRoute's gateway are read, and those of Istio's Gateway of the same name are not", async (t) => {
  const world = await shop(t);
  world.server.apply([podFor("public")]);
  await until(
    "the gateway's pod runs",
    () => clientOf(world.server).get(resources.pods, namespace, "public-0"),
    (pod) => (pod?.status as { phase?: string } | undefined)?.phase === "Running",
  );
  const source = world
    .metrics(namespace, { viewers: async () => [{ namespace, name: "public", ofApi: true }] })
    .watch();
  const unsent = [series("source", "unknown", { response_code: "503", response_flags: "UH" }), 5] as const;
  world.show("public-0", [series("source", "reviews-v1"), 1]);
  await look(source);
  world.show("public-0", [series("source", "reviews-v1"), 1], unsent);
  world.show("gateway-0", [unsent[0], 90]);
  assert.equal((await look(source)).lost, 5);
});

test("where versions have no sidecars the waypoint's pods count, in whichever namespace they are", async (t) => {
  const world = await cluster(t);
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "reviews", namespace } };
  const spec = { selector: { app: "reviews" }, ports: [{ port: 9080 }] };
  const labels = { "istio.io/use-waypoint": "way", "istio.io/use-waypoint-namespace": "edge" };
  world.server.apply([
    ...["reviews-v1", "reviews-v2"].map((name) => versionOf(namespace, name, 1, true)),
    { ...service, metadata: { ...service.metadata, labels }, spec },
    podFor("way", "edge"),
  ]);
  const [, canary = ""] = await Promise.all(["reviews-v1", "reviews-v2"].map((name) => world.podsOf(namespace, name)));
  const show = (...values: readonly (readonly [string, number])[]) => world.shown.set("edge/way-0", new Map(values));
  show([series("waypoint", "reviews-v1"), 900]);
  const source = world.metrics(namespace).watch();
  await until(
    "the waypoint is read",
    () => look(source),
    ({ blind }) => blind.length === 0,
  );
  show(
    [series("waypoint", "reviews-v1"), 990],
    [series("waypoint", "reviews-v2"), 9],
    [series("waypoint", "reviews-v2", { response_code: "500" }), 1],
  );
  assert.deepEqual(pairs(await look(source)), [[90, 0], [10, 1], 0]);
  assert.ok(!world.asked.some((path) => path.startsWith(String(canary))), "a pod without a proxy is not asked");
});

test("a time-out of the route is a caller that left, and counts once", async (t) => {
  const { metrics, show, canary } = await shop(t);
  const source = metrics(namespace).watch();
  await look(source);
  show("gateway-0", [series("source", "reviews-v2", { response_code: "504", response_flags: "UT" }), 6]);
  show(
    canary,
    [series("destination", "reviews-v2"), 10],
    [series("destination", "reviews-v2", { response_code: "0", response_flags: "DC" }), 6],
  );
  const seen = await look(source);
  assert.deepEqual([pairs(seen), seen.canary.givenUp], [[[0, 0], [6, 0], 0], 6]);
});

test("a pod that comes during a release counts from its own beginning", async (t) => {
  const world = await shop(t);
  const source = world.metrics(namespace).watch();
  await look(source);
  world.server.apply([versionOf(namespace, "reviews-v2", 3)]);
  for (const pod of await world.podsOf(namespace, "reviews-v2"))
    world.show(pod, [series("destination", "reviews-v2"), pod === world.canary ? 15 : 4]);
  assert.deepEqual(pairs(await look(source)), [[0, 0], [13, 0], 0]);
});

test("a pod of a gateway that comes during a release counts from its own beginning", async (t) => {
  const world = await shop(t);
  const client = clientOf(world.server);
  const source = world.metrics(namespace).watch();
  await look(source);
  world.server.apply(gatewayOf(namespace, ["gateway-0", "gateway-1"]));
  const running = async (): Promise<number> =>
    (await client.list(resources.pods, namespace)).filter(
      ({ metadata, status }) => metadata.name === "gateway-1" && (status as { phase?: string }).phase === "Running",
    ).length;
  await until("the second pod of the gateway runs", running, (count) => count === 1);
  world.show("gateway-1", [series("source", "unknown", { response_code: "503", response_flags: "UH" }), 5]);
  assert.equal((await look(source)).lost, 5);
});

test("a pod that is gone takes nothing back, and one that counts anew counts in full", async (t) => {
  const world = await shop(t);
  const source = world.metrics(namespace).watch();
  await look(source);
  world.show(world.canary, [series("destination", "reviews-v2"), 3]);
  assert.deepEqual(pairs(await look(source)), [[0, 0], [3, 0], 0]);
  world.server.apply([versionOf(namespace, "reviews-v2", 0)]);
  await until(
    "the canary's pod is gone",
    () => clientOf(world.server).list(resources.pods, namespace),
    (pods) => !pods.some(({ metadata }) => metadata.name === world.canary),
  );
  world.show(world.stable, [series("destination", "reviews-v1"), 1_020]);
  assert.deepEqual(pairs(await look(source)), [[20, 0], [0, 0], 0]);
});

test("a pod that hangs holds a round for some seconds, and then nobody until it answers; nothing is lost", async (t) => {
  const world = await shop(t);
  world.server.apply([versionOf(namespace, "reviews-v2", 2)]);
  const [one = "", other = ""] = await world.podsOf(namespace, "reviews-v2");
  for (const pod of [one, other]) world.show(pod, [series("destination", "reviews-v2"), 10]);
  const source = world.metrics(namespace, { timeout: 2_000 }).watch();
  const begun = Date.now();
  await look(source, begun);
  world.shown.set(`${namespace}/${other}`, undefined);
  world.show(one, [series("destination", "reviews-v2"), 12]);
  const open = await look(source, begun + 1_000);
  assert.deepEqual([pairs(open), open.at, open.blind], [[[0, 0], [0, 0], 0], begun, []]);
  assert.deepEqual(pairs(await look(source, begun + 9_000)), [[0, 0], [2, 0], 0]);
  world.show(one, [series("destination", "reviews-v2"), 13]);
  assert.deepEqual(pairs(await look(source, begun + 10_000)), [[0, 0], [1, 0], 0]);
  world.show(other, [series("destination", "reviews-v2"), 30]);
  const back = await look(source, begun + 11_000);
  assert.deepEqual(pairs(back), [[0, 0], [20, 0], 0]);
  assert.equal(back.from, begun, "what it tells now may be as old as its last answer");
});

test("more pods than a look may read are read in turns, and nothing is told before the round is whole", async (t) => {
  const world = await cluster(t);
  const replicas = mostPods + 10;
  world.server.apply([versionOf(namespace, "reviews-v1", replicas), versionOf(namespace, "reviews-v2")]);
  const pods = await world.podsOf(namespace, "reviews-v1");
  const [canary = ""] = await world.podsOf(namespace, "reviews-v2");
  const show = (times: number): void => {
    for (const pod of pods)
      world.shown.set(`${namespace}/${pod}`, new Map([[series("destination", "reviews-v1"), times]]));
    world.shown.set(`${namespace}/${canary}`, new Map([[series("destination", "reviews-v2"), times]]));
  };
  show(1);
  const source = world.metrics(namespace, { viewers: async () => [] }).watch();
  world.asked.length = 0;
  assert.equal((await look(source)).since, undefined);
  assert.equal(world.asked.length, mostPods);
  assert.equal((await look(source)).since, undefined);
  show(3);
  const half = await look(source);
  assert.deepEqual(pairs(half), [[0, 0], [0, 0], 0]);
  assert.equal(half.at, half.since);
  assert.deepEqual(pairs(await look(source)), [[2 * replicas, 0], [2, 0], 0]);

  const findings = await world
    .metrics(namespace, { viewers: async () => [] })
    .inspect(planWith([]), Date.now(), signal);
  assert.ok(
    findings.some(({ what }) => what.startsWith(`${replicas + 1} proxies count, and ${mostPods} are read at a look`)),
  );
});

test("a proxy that does not open Envoy's port is read at the agent's, and Envoy is asked for what is read alone", async (t) => {
  const world = await shop(t);
  world.ports.clear();
  world.ports.add(15_020);
  const source = world.metrics(namespace).watch();
  assert.deepEqual((await look(source)).blind, []);
  assert.match(
    decodeURIComponent(world.asked[0] ?? ""),
    / \/stats\/prometheus\?filter=istio_requests_total\|istio_request_duration_milliseconds\|upstream_rq_active\|downstream_cx_active$/,
  );
});

test("an answer that is too long is none", async (t) => {
  const world = await shop(t);
  world.show(world.canary, [`istio_requests_total{note="${"x".repeat(5_000_000)}"}`, 1]);
  const { blind } = await look(world.metrics(namespace).watch());
  assert.match(blind[0]?.because ?? "", /^no proxy of reviews-v2 answered: .*longer than 4194304 bytes$/);
});

test("without sidecars the gateways' counters are read, for both versions", async (t) => {
  const world = await cluster(t);
  world.server.apply([
    ...["reviews-v1", "reviews-v2"].map((name) => versionOf(namespace, name, 1, true)),
    ...gatewayOf(namespace),
  ]);
  for (const name of ["reviews-v1", "reviews-v2"]) await world.podsOf(namespace, name);
  const show = (stable: number, canary: number): void =>
    void world.shown.set(
      `${namespace}/gateway-0`,
      new Map([
        [series("source", "reviews-v1"), stable],
        [series("source", "reviews-v2", { response_code: "500" }), canary],
      ]),
    );
  show(5, 5);
  const source = world.metrics(namespace).watch();
  await until(
    "the gateway is read",
    () => look(source),
    ({ blind }) => blind.length === 0,
  );
  show(105, 9);
  assert.deepEqual(pairs(await look(source)), [[100, 0], [4, 4], 0]);
});

const errors: Gate = { kind: "errors", name: "errors", atMost: 0.01, minRequests: 1, noData: "wait" };
const inspect = (world: ProxyCluster, more: Parameters<ProxyCluster["metrics"]>[1] = {}): Promise<readonly Finding[]> =>
  world.metrics(namespace, more).inspect(planWith([errors]), Date.now(), signal);

test("callers in the mesh are told of, whose failures that reach no pod nobody sees", async (t) => {
  const findings = await inspect(await shop(t), { viewers: async () => ["mesh"] });
  assert.deepEqual(
    findings.filter(({ level }) => level === "warn").map(({ what }) => what),
    ["The proxies of callers in the mesh are not read: their requests that reach no pod (503 UH, UF) are not seen"],
  );
});

test("a gateway that is not there is told of, and the versions are read all the same", async (t) => {
  const findings = await inspect(await shop(t), { viewers: async () => [{ namespace, name: "elsewhere" }] });
  assert.ok(!findings.some(({ level }) => level === "refuse"));
  assert.ok(findings.some(({ what }) => what.includes("gateway shop/elsewhere")));
});

test("versions without proxies and without gateways refuse a release that counts requests", async (t) => {
  const world = await cluster(t);
  world.server.apply([versionOf(namespace, "reviews-v1", 1, true)]);
  await world.podsOf(namespace, "reviews-v1");
  const [finding] = await inspect(world, { viewers: async () => [] });
  assert.equal(finding?.level, "refuse");
  assert.match(finding.next ?? "", /metrics\.source: none/);
});

test("a job that may not read pods is told which rule it needs, and what else it may do", async (t) => {
  const rules = [
    { apiGroups: ["*"], resources: ["deployments", "pods", "gateways", "services"], verbs: ["get", "list"] },
  ];
  const world = await shop(t, { tokens: { job: { user: "job", rules } } });
  const findings = await inspect(world, { network: world.networkOf("job") });
  const [refused] = findings;
  assert.equal(refused?.level, "refuse");
  assert.match(refused.what, /^The proxies of shop\/reviews-v1 cannot be read: .* cannot get resource "pods\/proxy"/);
  assert.match(
    refused.next ?? "",
    /^Add \{apiGroups: \[""\], resources: \[pods\/proxy\], verbs: \[get\]\} to the job's Role in shop; .*metrics\.source: none/,
  );
});
