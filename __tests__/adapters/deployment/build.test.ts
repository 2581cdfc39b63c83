import assert from "node:assert/strict";
import test from "node:test";
import { deploymentWorkload } from "../../../src/adapters/deployment/deployment-workload.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { Build } from "../../../src/release/build.ts";
import { noFence } from "../../support/fences.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { deploymentOf, image, targetOf } from "../../support/workload-objects.ts";

/* What the running pods' digests say; the template is in the contract, over servers that run pods. */

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
const deployment = (name: string, tag: string): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop", uid: name, generation: 1 },
  spec: deploymentOf("shop", name, tag).spec,
  status,
});
const pod = (deploymentName: string, imageID: string, sidecarID = "proxy@sha256:1"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `${deploymentName}-1-x`,
    namespace: "shop",
    labels: { app: "reviews", version: deploymentName.slice(-2), "pod-template-hash": "1" },
    ownerReferences: [{ kind: "ReplicaSet", name: `${deploymentName}-1` }],
  },
  status: {
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [
      { name: "reviews", image: image("v2"), imageID, restartCount: 0 },
      { name: "istio-proxy", image: "proxy", imageID: sidecarID, restartCount: 0 },
    ],
  },
});

const workloadWith = (...objects: readonly KubernetesObject[]) =>
  deploymentWorkload({
    client: stubClient(objects),
    target: targetOf("shop"),
    before: {
      release: "r",
      stable: { uid: "reviews-v1", replicas: 1, images: { reviews: image("v1") } },
      canary: undefined,
      autoscaled: { stable: false, canary: false },
      existed: [],
    },
    keepOld: false,
    clock: nodeClock,
    fence: noFence,
  });
const canaryWith = (imageID: string, sidecarID?: string) =>
  workloadWith(deployment("reviews-v2", "v2"), pod("reviews-v2", imageID, sidecarID));

const judged: Build = { image: image("v2"), digests: { reviews: [digest("a")] } };

test("what is written down has the digests of the canary's own containers, and no sidecar's", async () => {
  const { build } = await canaryWith(`registry.test/reviews@${digest("a")}`, `proxy@${digest("f")}`).health("canary");
  assert.deepEqual(build, { image: image("v2"), replicaSet: undefined, digests: { reviews: [digest("a")] } });
});

test("a name of the kubelet's own is no digest: it differs from node to node", async () => {
  const { build, changed } = await canaryWith(digest("c")).health("canary");
  assert.deepEqual(build?.digests, {});
  assert.equal(changed, undefined);
  const later = await canaryWith(digest("c")).health("canary", judged);
  assert.equal(later.changed, undefined);
});

test("a tag that means another image by now is a change, whichever registry it came from", async () => {
  assert.equal((await canaryWith(`mirror.test/reviews@${digest("a")}`).health("canary", judged)).changed, undefined);
  assert.equal(
    (await canaryWith(`registry.test/reviews@${digest("b")}`).health("canary", judged)).changed,
    `pod reviews-v2-1-x runs reviews from an image with the digest ${digest("b")}, not ${digest("a")}`,
  );
});

test("where no image is released, what somebody gives the canary before it is judged is a change all the same", async () => {
  const canary = { uid: "reviews-v2", replicas: 1, images: { reviews: image("v2") }, restarts: {} };
  const workload = deploymentWorkload({
    client: stubClient([deployment("reviews-v2", "v3"), pod("reviews-v2", digest("a"))]),
    target: targetOf("shop", { image: undefined }),
    before: { release: "r", stable: undefined, canary, autoscaled: { stable: false, canary: false }, existed: [] },
    ...{ keepOld: false, clock: nodeClock, fence: noFence },
  });
  const { changed } = await workload.health("canary");
  assert.equal(changed, `Deployment shop/reviews-v2 has the image ${image("v3")}, not ${image("v2")}`);
});

test("a canary that has its image already is not written", async () => {
  await assert.doesNotReject(workloadWith(deployment("reviews-v2", "v2")).deploy());
  await assert.rejects(workloadWith(deployment("reviews-v2", "v1")).deploy(), /nothing is written here/);
});

test("a stable that was updated is compared with what was judged, and one that was not is untouched", async () => {
  const stable = (tag: string, id: string) =>
    workloadWith(deployment("reviews-v1", tag), pod("reviews-v1", `registry.test/reviews@${digest(id)}`));
  const untouched = await stable("v1", "d").health("stable");
  assert.deepEqual([untouched.untouched, untouched.changed], [true, undefined]);
  const updated = await stable("v2", "a").health("stable", judged);
  assert.deepEqual([updated.untouched, updated.changed], [false, undefined]);
  const moved = await stable("v2", "b").health("stable", judged);
  assert.match(moved.changed ?? "", /runs reviews from an image with the digest sha256:bbb/);
  const other = await stable("v3", "a").health("stable", judged);
  assert.equal(other.changed, `Deployment shop/reviews-v1 has the image ${image("v3")}, not ${image("v2")}`);
});
