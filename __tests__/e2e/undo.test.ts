import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { figures, image, pick, type Scene, withScene } from "./support/scene.ts";
import { waitFor } from "./support/wait-for.ts";

// Somebody finds after a success that the new version is bad after all, and goes back.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
after(() => api.close());

type Deployment = KubernetesObject & {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
};

async function imageOf({ namespace }: Scene, deployment: string): Promise<string | undefined> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`;
  return (await api.expect<Deployment>("GET", path)).spec.template.spec.containers[0]?.image;
}

const stages = "50:2s";

describe("undo under traffic", { concurrency: 3 }, () => {
  for (const keepOld of [true, false])
    test(`after a swap ${keepOld ? "that kept" : "that took"} the old pods: no request fails`, (t) =>
      withScene(bed, api, { name: `undo-swap-${keepOld ? "kept" : "gone"}` }, async (scene) => {
        const settings = { stages, promotion: { model: "swap", drain: "1s", keepOld } };
        const released = await scene.start(settings, { flags: image("v2") }).ended;
        assert.equal(released.code, 0, released.said);
        const began = Date.now();
        const undoing = scene.start(settings, { command: "undo" });
        await waitFor(async () => (await envoyWeights(bed, scene.host)).v1 === 100, "v1 alone in Envoy", 60_000, 20);
        const took = Date.now() - began;
        const { code, said, outputs } = await undoing.ended;
        assert.equal(code, 0, said);
        assert.equal(outputs.settled, "true", said);
        const { counts } = await scene.end();
        t.diagnostic(`v1 alone after ${took}ms; ${figures(counts)}`);
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      }));

  test("after an update: stable has the image before, and no request fails", (t) =>
    withScene(bed, api, { name: "undo-update" }, async (scene) => {
      const settings = { stages, promotion: { model: "update", drain: "1s" } };
      const released = await scene.start(settings, { flags: image("v2") }).ended;
      assert.equal(released.code, 0, released.said);
      assert.equal(await imageOf(scene, "shop-v1"), "registry.test/shop:v2");
      const { code, said, outputs } = await scene.start(settings, { command: "undo" }).ended;
      assert.equal(code, 0, said);
      assert.deepEqual(pick(outputs, "outcome", "settled"), { outcome: "succeeded", settled: "true" }, said);
      assert.equal(await imageOf(scene, "shop-v1"), "registry.test/shop:v1");
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
      assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
    }));

  test("of nothing is refused, and nothing is changed", (t) =>
    withScene(bed, api, { name: "undo-nothing" }, async (scene) => {
      const { code, said } = await scene.start({}, { command: "undo" }).ended;
      t.diagnostic(said);
      assert.equal(code, 2, said);
      assert.deepEqual(await scene.now(), scene.before);
    }));
});
