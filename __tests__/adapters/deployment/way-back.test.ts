import assert from "node:assert/strict";
import test from "node:test";
import { wayBack } from "../../../src/adapters/deployment/way-back.ts";
import type { WorkloadsBefore } from "../../../src/adapters/deployment/workloads-before.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { inCluster, until } from "../../support/cluster.ts";
import { deploymentOf, image, targetOf } from "../../support/workload-objects.ts";
import { planOf } from "../../support/world.ts";

const before: WorkloadsBefore = {
  release: "r",
  stable: { uid: "u", replicas: 2, images: { reviews: image("v1"), "istio-proxy": "proxy" } },
  canary: undefined,
  autoscaled: { stable: false, canary: false },
  existed: [],
};

const scaled = (name: string, tag: string, replicas: number) => {
  const object = deploymentOf("shop", name, tag);
  return { ...object, spec: { ...(object.spec as object), replicas } };
};

test("the way back is stable's image as it was, whatever it has now, and no fewer pods than serve now", () =>
  inCluster([scaled("reviews-v1", "v9", 0), scaled("reviews-v2", "v2", 5)], async ({ client }) => {
    const back = (replicas: number) =>
      wayBack(
        client,
        targetOf("shop"),
        planOf(),
        {
          ...before,
          stable: { ...(before.stable ?? assert.fail()), replicas },
        },
        0,
      );
    assert.deepEqual(await back(2), { image: image("v1"), pods: 5, hasCanary: true, stands: false });
    assert.deepEqual(await back(7), { image: image("v1"), pods: 7, hasCanary: true, stands: false });
  }));

test("pods that were kept stand ready for the way back once the mesh has had time to learn of them", () =>
  inCluster([scaled("reviews-v1", "v1", 2), scaled("reviews-v2", "v2", 2)], async ({ client }) => {
    const target = targetOf("shop");
    const plan = planOf({ meshDelay: 5_000 });
    const later = Date.now() + 60_000;
    const stands = async (now: number): Promise<boolean | undefined> =>
      (await wayBack(client, target, plan, before, now))?.stands;
    await until(
      "both pods serve",
      () => stands(later),
      (so) => so === true,
    );
    assert.equal(await stands(later), true);
    assert.equal(await stands(Date.now() - 60_000), false, "the mesh may not know them yet");
    await client.patch(resources.deployments, "shop", "reviews-v2", { type: "merge", body: { spec: { replicas: 3 } } });
    assert.equal(await stands(later), false, "more are needed by now");
  }));

test("there is no way back to nothing, and a copy that is gone has to be made again", () =>
  inCluster([scaled("reviews-v1", "v2", 3)], async ({ client }) => {
    const plan = planOf({ promotion: "update" });
    assert.deepEqual(await wayBack(client, targetOf("shop"), plan, before, 0), {
      image: image("v1"),
      pods: 3,
      hasCanary: false,
      stands: false,
    });
    assert.equal((await wayBack(client, targetOf("shop"), planOf(), before, 0))?.pods, 2, "of who is gone none serves");
    assert.equal(await wayBack(client, targetOf("shop"), plan, { ...before, stable: undefined }, 0), undefined);
  }));
