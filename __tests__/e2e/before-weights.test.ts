import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { sumOf } from "./support/prometheus.ts";
import { assertRolledBack, figures, image, withScene } from "./support/scene.ts";

// What comes before weights, asked of Envoys with traffic running.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

describe("before weights", () => {
  after(() => api.close());

  test("copies of 50% reach the canary alone: a bad one is out before any user has met it", (t) =>
    withScene(bed, api, { name: "copies", perSecond: 50 }, async (scene) => {
      const stages = [{ weight: 0, mirror: 50, wait: "60s" }, 100];
      const ended = await scene.start({ gates: "auto", stages }, { flags: image("v2-err50") }).ended;
      await assertRolledBack(scene, ended, /% of the canary's requests failed \(\d+ of \d+\)/);
      assert.match(ended.said, /every mirrored POST is done twice/);
      const of = (reporter: string): Promise<number> =>
        sumOf(
          bed,
          `istio_requests_total{reporter="${reporter}",destination_workload="shop-v2",destination_workload_namespace="copies"}`,
        );
      assert.ok((await of("destination")) > 0, "the canary's own proxy counts copies");
      assert.equal(await of("source"), 0, "and nobody who sends them");
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.deepEqual(weights, [{ v1: 100 }]);
      assert.deepEqual({ bad: counts.bad, byVersion: counts.byVersion }, { bad: 0, byVersion: { v1: counts.total } });
    }));
});
