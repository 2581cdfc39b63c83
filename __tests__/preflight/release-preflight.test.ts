import assert from "node:assert/strict";
import test from "node:test";
import { readOnce } from "../../src/adapters/kubernetes/read-once.ts";
import { versionLabels } from "../../src/adapters/kubernetes/version-labels.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { virtualServiceFamily } from "../../src/adapters/virtual-service/virtual-service-family.ts";
import { releasePreflight } from "../../src/preflight/release-preflight.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import { inCluster } from "../support/cluster.ts";
import { deploymentOf, destinationRuleOf, serviceOf, targetOf } from "../support/workload-objects.ts";
import { planOf } from "../support/world.ts";

const shop = [
  serviceOf("shop", "reviews", { app: "reviews" }),
  destinationRuleOf("shop", "reviews", { v1: { version: "v1" } }),
  deploymentOf("shop", "reviews-v1", "v1", { replicas: 2 }),
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "shop" },
    spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews", subset: "v1" } }] }] },
  },
];

test("checks and routes look at one moment: no collection is read twice, and Istio's version is asked once", () =>
  inCluster(shop, async ({ client, server }) => {
    const target = targetOf("shop", { source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
    const look = readOnce(client);
    const subsetLabels = (of: typeof target) => (role: "stable" | "canary") => versionLabels(look, of, {}, role);
    const routes = allRoutes([virtualServiceFamily({ client: look, clock: nodeClock, subsetLabels })]);
    server.requests.clear();
    const parts = {
      client: look,
      routes,
      target,
      plan: planOf(),
      firstDeploy: false,
      undo: false,
      exchanged: false,
      others: [],
    };
    await releasePreflight({ ...parts, answerers: async () => [] }).inspect();
    const read = server.requests.all().flatMap(({ method, path }) => (method === "GET" ? path : []));
    assert.deepEqual(read.toSorted(), [...new Set(read)].toSorted());
    const api = "/apis/networking.istio.io";
    // The lists of this namespace may be all that may be read; the look into the others is one.
    for (const path of [`${api}/v1/namespaces/shop/virtualservices`, `${api}/v1/virtualservices`, api])
      assert.ok(read.includes(path), `${path}: ${read}`);
  }));
