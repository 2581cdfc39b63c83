import assert from "node:assert/strict";
import test from "node:test";
import { wayBack } from "../../../src/adapters/deployment/way-back.ts";
import type { WorkloadsBefore } from "../../../src/adapters/deployment/workloads-before.ts";
import { inCluster } from "../../support/cluster.ts";
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
      wayBack(client, targetOf("shop"), planOf(), {
        ...before,
        stable: { ...(before.stable ?? assert.fail()), replicas },
      });
    assert.deepEqual(await back(2), { image: image("v1"), pods: 5, hasCanary: true });
    assert.deepEqual(await back(7), { image: image("v1"), pods: 7, hasCanary: true });
  }));

test("there is no way back to nothing, and a copy that is gone has to be made again", () =>
  inCluster([scaled("reviews-v1", "v2", 3)], async ({ client }) => {
    const plan = planOf({ promotion: "update" });
    assert.deepEqual(await wayBack(client, targetOf("shop"), plan, before), {
      image: image("v1"),
      pods: 3,
      hasCanary: false,
    });
    assert.equal(await wayBack(client, targetOf("shop"), plan, { ...before, stable: undefined }), undefined);
  }));
