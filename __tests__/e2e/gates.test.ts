import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { assertRolledBack, figures, image, withScene } from "./support/scene.ts";
import { ejection } from "./support/shop.ts";

// Canaries whose answers tell that they are bad.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

describe("gates", { concurrency: 3 }, () => {
  after(() => api.close());

  test("a canary with 20% errors is rolled back by the error gate, and its errors end with its traffic", (t) =>
    withScene(bed, api, { name: "gates-errors" }, async (scene) => {
      const finished = await scene.start({}, { flags: image("v2-err20") }).ended;
      await assertRolledBack(scene, finished, /errors: \d+ of \d+ canary requests failed \(\d+(\.\d)?%\), limit ≤ 5%/);
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    }));

  test("a slow canary is rolled back by the latency gate, and no request fails", (t) =>
    withScene(bed, api, { name: "gates-slow" }, async (scene) => {
      const finished = await scene.start(
        { gates: [{ latency: { p: 90, timesStable: 1.5, minRequests: 20 } }] },
        { flags: image("v2-slow1000") },
      ).ended;
      await assertRolledBack(scene, finished, /the canary's p90 is [\d.]+m?s over \d+ requests, limit/);
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    }));

  test("a canary that nobody can connect to is rolled back by the error gate", (t) =>
    withScene(bed, api, { name: "gates-refuse" }, async (scene) => {
      const finished = await scene.start({}, { flags: image("v2-refuse") }).ended;
      await assertRolledBack(scene, finished, /errors: (\d+) of \1 canary requests failed \(100%\), limit ≤ 5%/);
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
    }));

  test("a canary whose pods Envoy ejects is rolled back, though its failures are counted for no version", (t) =>
    withScene(bed, api, { name: "gates-ejected", objects: ejection }, async (scene) => {
      const finished = await scene.start({}, { flags: image("v2-refuse") }).ended;
      await assertRolledBack(
        scene,
        finished,
        /errors: [1-9]\d? requests reached the canary, while \d{2,} of the service's failed because there was no pod to send them to/,
      );
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
    }));
});
