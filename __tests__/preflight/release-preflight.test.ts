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
  inCluster(shop, async ({ client, server, requestsOf }) => {
    const target = targetOf("shop", { source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
    const look = readOnce(client);
    const subsetLabels = (of: typeof target) => (role: "stable" | "canary") => versionLabels(look, of, {}, role);
    const routes = allRoutes([virtualServiceFamily({ client: look, clock: nodeClock, subsetLabels })]);
    const reads = await requestsOf(() =>
      releasePreflight({
        client: look,
        routes,
        target,
        plan: planOf(),
        firstDeploy: false,
        undo: false,
        others: [],
      }).inspect(),
    );
    const read = reads.filter((request) => request.startsWith("GET ")).toSorted();
    assert.deepEqual(read, [...new Set(read)]);
    assert.ok(read.includes("GET virtualservices") && read.includes("GET destinationrules"));
    const isVersion = ({ path }: { readonly path: string }): boolean => path === "/apis/networking.istio.io";
    assert.equal(server.requests.all().filter(isVersion).length, 1);
  }));
