import assert from "node:assert/strict";
import test from "node:test";
import type { Rule } from "../../sandbox/api-server/authorization.ts";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { readPod } from "../../src/kubernetes/pod.ts";
import type { Finding } from "../../src/ports/preflight.ts";
import { bystandersBefore, bystandersOf } from "../../src/preflight/bystanders.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { Target } from "../../src/release/target.ts";
import { routesOver } from "../adapters/virtual-service/given.ts";
import { clientOf, inCluster, until } from "../support/cluster.ts";
import { deploymentOf, destinationRuleOf, serviceOf, targetOf } from "../support/workload-objects.ts";
import { planOf } from "../support/world.ts";
import { inspectCluster } from "./inspect-cluster.ts";

type Fields = Readonly<Record<string, unknown>>;

const to = (subset: string | undefined, host = "reviews") => ({ destination: { host, subset } });
const virtualService = (name: string, spec: Fields, namespace = "shop"): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace },
  spec: JSON.parse(JSON.stringify({ hosts: [name], ...spec })),
});

const versions = { v1: { version: "v1" }, v2: { version: "v2" } };
const main = virtualService("reviews", { http: [{ route: [to("v1")] }] });
const shop: readonly SentObject[] = [
  serviceOf("shop", "reviews", { app: "reviews" }),
  destinationRuleOf("shop", "reviews", versions),
  deploymentOf("shop", "reviews-v1", "v1", { replicas: 1 }),
  deploymentOf("shop", "reviews-v2", "v2", { replicas: 1 }),
];
const target = targetOf("shop");

type Setting = { readonly plan?: Partial<Plan>; readonly undo?: boolean; readonly rules?: readonly Rule[] };

/** `level: what` of everything that is about whom a swap would leave. */
async function told(more: readonly SentObject[], { plan = {}, undo = false, rules }: Setting = {}) {
  let found: readonly Finding[] = [];
  await inCluster(
    [...shop, ...more],
    async ({ server, client: admin }) => {
      await until(
        "every pod is ready",
        async () => (await admin.list(resources.pods, "shop")).map(readPod),
        (pods) =>
          pods.length >= 2 + more.filter(({ kind }) => kind === "Deployment").length &&
          pods.every(({ ready }) => ready),
      );
      const client = rules ? clientOf(server, "job") : admin;
      found = await inspectCluster(client, { target, plan: planOf(plan), undo });
    },
    rules ? { tokens: { job: { user: "job", rules } } } : {},
  );
  return found
    .filter(({ what }) => /does not move|done twice|so it is not known whether/.test(what))
    .map(({ level, what }) => `${level} ${what}`);
}

const other = virtualService("other", { http: [{ name: "a", route: [to("v1")] }] });
const sentence =
  'VirtualService shop/other: route "a" sends 100% of its requests to reviews subset v1, and does not move with the release: without the pods of reviews-v1 nobody would answer.';

test("a rule for stable alone refuses a swap; an undo is warned, and so is one that keeps the old pods for a time", async () => {
  assert.deepEqual(await told([main, other]), [`refuse ${sentence}`]);
  assert.deepEqual(await told([main, other], { undo: true }), [`warn ${sentence}`]);
  assert.deepEqual(await told([main, other], { plan: { keepOld: true, keepFor: 60_000 } }), [`warn ${sentence}`]);
  assert.deepEqual(await told([main, other], { plan: { keepOld: true } }), []);
  assert.deepEqual(await told([main, other], { plan: { promotion: "update" } }), []);
});

test("whoever reaches pods of neither version, too, is not left", async () => {
  const sameLabels = deploymentOf("shop", "reviews-batch", "v1", {
    replicas: 1,
    podLabels: { app: "reviews", version: "v1" },
  });
  assert.deepEqual(await told([main, other, sameLabels]), []);
});

test("a Service of another namespace with the same name is another one", async () => {
  const elsewhere = virtualService("other", { http: [{ route: [to("v1")] }] }, "blog");
  const named = virtualService("third", { http: [{ route: [to("v1", "reviews.shop.svc.cluster.local")] }] }, "blog");
  assert.deepEqual(await told([main, elsewhere]), []);
  assert.equal((await told([main, named])).length, 1);
});

test("a subset that no DestinationRule here defines is the version's by its name", async () => {
  const unknown = virtualService("other", { http: [{ route: [to("v9")] }] });
  assert.deepEqual(await told([main, unknown]), []);
});

test("whoever calls stable's own Service by its name is warned of, unless a route for the mesh moves them", async () => {
  const byHost = targetOf("shop", {
    stable: { deployment: "reviews-v1", host: "reviews" },
    canary: { deployment: "reviews-v2", host: "reviews-canary" },
  });
  const objects = (spec: Fields): readonly SentObject[] => [
    serviceOf("shop", "reviews", { app: "reviews", version: "v1" }),
    serviceOf("shop", "reviews-canary", { app: "reviews", version: "v2" }),
    ...shop.slice(2),
    virtualService("reviews", { http: [{ route: [to(undefined)] }], ...spec }),
  ];
  const left = (spec: Fields): Promise<boolean> =>
    new Promise((resolve, reject) => {
      inCluster(objects(spec), async ({ client }) => {
        const found = await inspectCluster(client, { target: byHost });
        resolve(found.some(({ level, what }) => level === "warn" && what.includes("that call reviews directly")));
      }).catch(reject);
    });
  assert.equal(await left({ hosts: ["shop.example.com"], gateways: ["public"] }), true);
  assert.equal(await left({ hosts: ["shop.example.com", "reviews"], gateways: ["public", "mesh"] }), false);
  assert.equal(await left({}), false);
});

/** Everything in the service's namespace, and this kind everywhere. */
const inShopAnd = (resource: string): readonly Rule[] => [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"], namespaces: ["shop"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["*"], verbs: ["*"] },
  { apiGroups: ["gateway.networking.k8s.io"], resources: [resource], verbs: ["list"] },
];

test("a kind that may be listed nowhere is said as well", async () => {
  const rules: readonly Rule[] = [
    { apiGroups: ["", "apps", "networking.istio.io", "authorization.k8s.io"], resources: ["*"], verbs: ["*"] },
  ];
  const [only, ...more] = await told([main], { rules });
  assert.deepEqual(more, []);
  assert.match(
    only ?? "",
    /^warn This job may not list GRPCRoutes, HTTPRoutes, TCPRoutes, TLSRoutes, so it is not known whether/,
  );
});

test("what may not be listed in other namespaces is said, and what may be read still counts", async () => {
  const [first, second, third, ...more] = await told([main, other], { rules: inShopAnd("grpcroutes") });
  assert.deepEqual(more, []);
  assert.match(third ?? "", /^note .* of istio-system and Sidecars of namespaces other than shop may not be listed/);
  assert.equal(first, `refuse ${sentence}`);
  assert.match(second ?? "", /^warn This job may not list .*HTTPRoutes of namespaces other than shop/);
  assert.match(second ?? "", /VirtualServices of namespaces other than shop/);
  assert.doesNotMatch(second ?? "", /GRPCRoutes/);
});

const partsFor = (client: KubernetesClient, of: Target = target) => ({
  client,
  look: routesOver(client).look(of),
  target: of,
});

test("before pods go, only whoever is there now and was not before is stranded without the canary", () =>
  inCluster([...shop, main], async ({ server, client }) => {
    const tester = virtualService("tester", { http: [{ route: [to("v2")] }] });
    server.apply([tester]);
    const parts = partsFor(client);
    const before = await bystandersBefore(parts);
    assert.deepEqual(before, [
      "VirtualService shop/tester: http route #0 sends 100% of its requests to reviews subset v2",
    ]);
    const gone = bystandersOf({ ...parts, before, canaryStays: false });
    assert.deepEqual(await gone.strandedWithout("canary"), []);
    server.apply([virtualService("late", { tcp: [{ route: [to("v2")] }] })]);
    const late = "VirtualService shop/late: tcp route #0 sends 100% of its requests to reviews subset v2";
    assert.deepEqual(await gone.strandedWithout("canary"), [late]);
    assert.deepEqual(await bystandersOf({ ...parts, before, canaryStays: true }).strandedWithout("canary"), []);
    assert.deepEqual(
      await bystandersOf({ ...parts, before: undefined, canaryStays: false }).strandedWithout("canary"),
      [],
      "an older journal does not say who was there",
    );
    assert.deepEqual(await gone.strandedWithout("stable"), [
      "VirtualService shop/reviews: http route #0 sends 100% of its requests to reviews subset v1",
    ]);
  }));

test("a look that is forbidden keeps no pods: it is the preflight that says so", () =>
  inCluster(
    [...shop, main],
    async ({ server }) => {
      const parts = partsFor(clientOf(server, "job"));
      assert.deepEqual(await bystandersBefore(parts), []);
      assert.deepEqual(await bystandersOf({ ...parts, before: [], canaryStays: false }).strandedWithout("stable"), []);
    },
    { tokens: { job: { user: "job", rules: [] } } },
  ));
