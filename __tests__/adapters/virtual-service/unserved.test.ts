import assert from "node:assert/strict";
import test from "node:test";
import type { KubernetesClient } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { istioApi } from "../../../src/adapters/virtual-service/istio-api.ts";
import { unserved } from "../../../src/adapters/virtual-service/unserved.ts";
import { virtualServiceFamily } from "../../../src/adapters/virtual-service/virtual-service-family.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { noFence } from "../../support/fences.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { targetOf } from "../../support/workload-objects.ts";

const object = (kind: string, name: string, rest: object): KubernetesObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "shop", ...(kind === "Pod" ? { labels: rest as Record<string, string> } : {}) },
  ...(kind === "Pod" ? { status: { conditions: [{ type: "Ready", status: "True" }] } } : rest),
});
const service = object("Service", "reviews", { spec: { selector: { app: "reviews" } } });
const rule = (subsets: Readonly<Record<string, string>>): KubernetesObject =>
  object("DestinationRule", "reviews", {
    spec: {
      host: "reviews",
      subsets: Object.entries(subsets).map(([name, version]) => ({ name, labels: { version } })),
    },
  });
const both = rule({ v1: "v1", v2: "v2" });
const pod = (version: string): KubernetesObject => object("Pod", `reviews-${version}-x`, { app: "reviews", version });
const route = object("VirtualService", "reviews", {
  spec: {
    hosts: ["reviews"],
    http: [{ name: "primary", route: [{ destination: { host: "reviews", subset: "v1" } }] }],
  },
});
const terminating = (one: KubernetesObject): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, deletionTimestamp: "2026-11-28T04:00:00Z" },
});
const unready: KubernetesObject = { ...pod("v1"), status: { conditions: [{ type: "Ready", status: "False" }] } };

const cases: Readonly<Record<string, readonly [objects: readonly KubernetesObject[], because: string | undefined]>> = {
  "nothing, where all is there": [[service, both, pod("v1")], undefined],
  "the Service": [[both, pod("v1")], "Service shop/reviews is gone"],
  "a Service that stays": [[terminating(service), both, pod("v1")], "Service shop/reviews is being deleted"],
  "a DestinationRule that stays": [
    [service, terminating(both), pod("v1")],
    "DestinationRule shop/reviews, which has the subset v1, is being deleted",
  ],
  "every DestinationRule": [
    [service, pod("v1")],
    "no DestinationRule in namespace shop has the subset v1, which the routes name",
  ],
  "the subset": [
    [service, rule({ v2: "v2" }), pod("v1")],
    "no DestinationRule in namespace shop has the subset v1, which the routes name",
  ],
  "pods that the subset selects": [
    [service, rule({ v1: "v9" }), pod("v1")],
    "no pod that is ready is behind subset v1 of reviews (app=reviews, version=v9)",
  ],
  "pods that are ready": [
    [service, both, unready],
    "no pod that is ready is behind subset v1 of reviews (app=reviews, version=v1)",
  ],
};

for (const [name, [objects, because]] of Object.entries(cases)) {
  test(`requests cannot be answered for want of ${name}`, async () => {
    assert.deepEqual(
      await unserved(istioApi(stubClient(objects), "v1"), targetOf("shop"), ["stable"]),
      because === undefined ? {} : { stable: because },
    );
  });
}

test("for both versions of one Service it is three lists, and each is told by itself", async () => {
  const asked: string[] = [];
  const client = stubClient([service, rule({ v1: "v1" }), pod("v1"), pod("v2")]);
  const listing: KubernetesClient = {
    ...client,
    list(resource, namespace, options) {
      asked.push(`${resource.plural} ${options?.labelSelector ?? ""}`.trim());
      return client.list(resource, namespace, options);
    },
  };
  const found = await unserved(istioApi(listing, "v1"), targetOf("shop"), ["stable", "canary"]);
  assert.deepEqual(found, {
    canary: "no DestinationRule in namespace shop has the subset v2, which the routes name",
  });
  assert.deepEqual(asked.toSorted(), ["destinationrules", "pods app=reviews", "services"]);
});

test("what requests need is read at the end of a release, if it was there when that began", async () => {
  const family = (objects: readonly KubernetesObject[]) =>
    virtualServiceFamily({ client: stubClient(objects), clock: nodeClock, subsetLabels: () => async () => undefined });
  const target = targetOf("shop");
  const before = await family([service, both, pod("v1"), route]).capture(target);
  const differences = (...left: readonly KubernetesObject[]) =>
    family(left).moved(target, before, noFence).differences("stable");
  assert.deepEqual(await differences(service, both, pod("v1"), route), []);
  assert.deepEqual(await differences(service, pod("v1"), route), [
    "no DestinationRule in namespace shop has the subset v1, which the routes name",
  ]);
  const never = await family([service, both, route]).capture(target);
  assert.deepEqual(await family([service, both, route]).moved(target, never, noFence).differences("stable"), []);
});
