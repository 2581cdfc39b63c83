import assert from "node:assert/strict";
import test from "node:test";
import { deploymentWorkload } from "../../../src/adapters/deployment/deployment-workload.ts";
import type { WorkloadsBefore } from "../../../src/adapters/deployment/workloads-before.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { Target } from "../../../src/release/target.ts";
import { noFence } from "../../support/fences.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { deploymentOf, image, serviceOf, targetOf } from "../../support/workload-objects.ts";

/* What is said of Deployments at the end; how they come to be so is in the contract. */

type Pods = { readonly replicas?: number; readonly updated?: number; readonly available?: number };

function deployment(name: string, tag: string, { replicas = 1, updated = replicas, available = updated }: Pods = {}) {
  const { spec } = deploymentOf("shop", name, tag, { replicas });
  const status = { observedGeneration: 1, replicas: updated, updatedReplicas: updated, availableReplicas: available };
  const metadata = { name, namespace: "shop", generation: 1 };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec, status } satisfies KubernetesObject;
}
const v1 = (tag = "v1", pods?: Pods): KubernetesObject => deployment("reviews-v1", tag, pods);
const v2 = (tag = "v2", pods?: Pods): KubernetesObject => deployment("reviews-v2", tag, pods);

const stable = { uid: "1", replicas: 1, images: { reviews: image("v1") } };
const canary = { uid: "2", replicas: 1, images: { reviews: image("v1-old") }, restarts: {} };
const before: WorkloadsBefore = {
  release: "r",
  stable,
  canary,
  autoscaled: { stable: false, canary: false },
  existed: [],
};
const templated = { ...before, canary: { ...canary, replicaSet: "reviews-v2-1" } };
const replicaSet = (tag: string): KubernetesObject => ({
  ...v2(tag),
  kind: "ReplicaSet",
  metadata: { name: "reviews-v2-1", namespace: "shop" },
});
const fresh = { ...before, canary: undefined };
const autoscaled = { ...before, autoscaled: { stable: true, canary: true } };
const manifests: Pick<Target, "source"> = {
  source: {
    from: "manifests",
    objects: [deploymentOf("shop", "reviews-v2", "v2"), serviceOf("shop", "reviews-v2", {})],
  },
};
const service = { apiVersion: "v1", kind: "Service", metadata: { name: "reviews-v2", namespace: "shop" } };

const rows: readonly {
  readonly what: string;
  readonly objects: readonly KubernetesObject[];
  readonly winner?: "canary";
  readonly before?: WorkloadsBefore;
  readonly target?: Partial<Target>;
  readonly keepOld?: true;
  readonly said: readonly string[];
}[] = [
  { what: "both as they were", objects: [v1(), v2("v1-old")], said: [] },
  { what: "a stable that is gone", objects: [v2("v1-old")], said: ["v1 is gone"] },
  {
    what: "another image",
    objects: [v1("v3"), v2("v1-old")],
    said: [`v1 has the image ${image("v3")}, not ${image("v1")}`],
  },
  { what: "other replicas", objects: [v1("v1", { replicas: 3 }), v2("v1-old")], said: ["v1 is scaled to 3, not 1"] },
  {
    what: "an autoscaler's replicas",
    objects: [v1("v1", { replicas: 3 }), v2("v1-old")],
    before: autoscaled,
    said: [],
  },
  { what: "a canary that is gone", objects: [v1()], said: ["v2 is gone"] },
  {
    what: "an image that stayed",
    objects: [v1(), v2()],
    said: [`v2 has the image ${image("v2")}, not ${image("v1-old")}`],
  },
  {
    what: "a canary that stayed",
    objects: [v1(), v2()],
    before: fresh,
    said: ["v2 is still there; it did not exist before the release"],
  },
  {
    what: "an old template that nobody has any more",
    objects: [v1(), v2()],
    before: templated,
    said: ["v2 has not got its old pod template back: ReplicaSet reviews-v2-1, which had it, is gone"],
  },
  {
    what: "another template than the old one",
    objects: [v1(), v2(), replicaSet("v1-old")],
    before: templated,
    said: ["v2 has not got its old pod template back"],
  },
  { what: "the old template", objects: [v1(), v2("v1-old"), replicaSet("v1-old")], before: templated, said: [] },
  { what: "an update", objects: [v1("v2"), v2()], said: [] },
  { what: "an update to what the canary had", objects: [v1("v3"), v2("v3")], target: { image: undefined }, said: [] },
  {
    what: "an update that is not through",
    objects: [v1("v2", { replicas: 2, available: 1 }), v2()],
    before: { ...before, stable: { ...stable, replicas: 2 } },
    said: ["v1: 1 of 2 pods are available"],
  },
  {
    what: "an update whose autoscaler adds pods",
    objects: [v1("v2", { replicas: 3, available: 1 }), v2()],
    before: autoscaled,
    said: [],
  },
  {
    what: "an update whose autoscaler has not a pod that serves",
    objects: [v1("v2", { replicas: 3, available: 0 }), v2()],
    before: autoscaled,
    said: ["v1: 0 of 3 pods are available"],
  },
  {
    what: "an object of the manifests",
    objects: [v1(), service],
    before: fresh,
    target: manifests,
    said: ["Service shop/reviews-v2 is still there; it did not exist before the release"],
  },
  {
    what: "an object that was there",
    objects: [v1(), service],
    before: { ...fresh, existed: ["Service reviews-v2"] },
    target: manifests,
    said: [],
  },
  { what: "a swap", winner: "canary", objects: [v1("v1", { replicas: 0 }), v2()], said: [] },
  { what: "a swap that keeps the old one", winner: "canary", keepOld: true, objects: [v1(), v2()], said: [] },
  {
    what: "an old version that still runs",
    winner: "canary",
    objects: [v1(), v2()],
    said: ["v1 is scaled to 1, not 0"],
  },
  {
    what: "a winner of another image",
    winner: "canary",
    objects: [v1("v1", { replicas: 0 }), v2("v3")],
    said: [`v2 has the image ${image("v3")}, not ${image("v2")}`],
  },
  { what: "an old version that is gone", winner: "canary", objects: [v2()], said: ["v1 is gone"] },
  { what: "a winner that is gone", winner: "canary", objects: [v1("v1", { replicas: 0 })], said: ["v2 is gone"] },
];

for (const { what, objects, winner = "stable", said, ...more } of rows)
  test(`at the end ${what}: ${said.length === 0 ? "is as it should be" : "is told"}`, async () => {
    const workload = deploymentWorkload({
      client: stubClient(objects),
      target: targetOf("shop", more.target),
      before: more.before ?? before,
      keepOld: more.keepOld ?? false,
      clock: nodeClock,
      fence: noFence,
    });
    const words = said.map((text) => text.replace(/^v/, "Deployment shop/reviews-v"));
    assert.deepEqual(await workload.differences(winner), words);
  });
