import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { type OwnPrometheus, ownPrometheus } from "./support/own-prometheus.ts";
import { sumOf } from "./support/prometheus.ts";
import {
  assertRefused,
  assertRolledBack,
  assertSucceeded,
  figures,
  image,
  type Scene,
  servingCanary,
  withScene,
} from "./support/scene.ts";
import { waitFor } from "./support/wait-for.ts";

// Releases that nothing tells how the canary is.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const oneStage = (deadline: string): readonly object[] => [{ weight: 20, wait: "3s", deadline }];
const gate = { atMost: "5%", minRequests: 20 };

/** Plays with a Prometheus of its own that has counted the scene's requests. */
async function withPrometheus(scene: Scene, play: (prometheus: OwnPrometheus) => Promise<void>): Promise<void> {
  const prometheus = await ownPrometheus(bed, scene.namespace);
  await prometheus.start();
  try {
    const stable = `istio_requests_total{reporter="source",destination_workload="shop-v1",destination_workload_namespace="${scene.namespace}"}`;
    await waitFor(
      async () => (await sumOf({ ...bed, prometheus: prometheus.url }, stable)) > 0,
      "stable's requests",
      30_000,
    );
    await play(prometheus);
  } finally {
    await prometheus.kill();
  }
}

describe("without evidence", { concurrency: 5 }, () => {
  after(() => api.close());

  test("a service that nobody calls is rolled back at the stage's deadline, in words", (t) =>
    withScene(bed, api, { name: "evidence-quiet" }, async (scene) => {
      const { bad } = await scene.traffic.stop();
      const finished = await scene.start({ stages: oneStage("6s") }, { flags: image("v2") }).ended;
      await assertRolledBack(
        scene,
        finished,
        /stage 20% could not be judged within 6s: errors has no data: no request of the canary was counted/,
      );
      const { weights } = await scene.end();
      t.diagnostic(finished.outputs.because ?? "");
      assert.equal(bad, 0);
      assert.equal(finished.outputs["observed-split"], "");
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    }));

  test("a hold that runs out is rolled back by the settle of a later job, as examples/workflows/watch.yml runs it", (t) =>
    withScene(bed, api, { name: "evidence-hold" }, async (scene) => {
      const { bad } = await scene.traffic.stop();
      const settings = { stages: oneStage("6s"), gates: ["auto"], evidence: { noData: "hold", holdFor: "20s" } };
      const held = await scene.start(settings, { flags: image("v2") }).ended;
      assert.equal(held.code, 3, held.said);
      const early = await scene.start(settings, { command: "settle" }).ended;
      assert.equal(early.code, 0, early.said);
      await sleep(20_000);
      const late = await scene.start(settings, { command: "settle" }).ended;
      assert.equal(late.code, 0, late.said);
      assert.match(late.said, /it was held, and nobody decided within 20s/);
      t.diagnostic(late.said);
      const { weights } = await scene.end();
      assert.equal(bad, 0);
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    }));

  test("a Prometheus that does not answer is a refusal before anything is changed", (t) =>
    withScene(bed, api, { name: "evidence-nowhere" }, async (scene) => {
      const { url } = await ownPrometheus(bed, scene.namespace);
      const finished = await scene.start({ metrics: { prometheus: url, interval: "1s" } }, { flags: image("v2") })
        .ended;
      await assertRefused(
        scene,
        finished,
        new RegExp(`Prometheus did not answer: GET ${url}/api/v1/query: connection refused`),
      );
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.deepEqual(counts.byVersion, { v1: counts.total });
      assert.deepEqual(weights, [{ v1: 100 }]);
    }));

  for (const { noData, deadline, because } of [
    {
      noData: "wait",
      deadline: "8s",
      because:
        /stage 20% could not be judged within 8s: errors has no data: Prometheus did not answer: .*connection refused/,
    },
    { noData: "fail", deadline: "5m", because: /errors has no data: Prometheus did not answer: .*connection refused/ },
  ]) {
    test(`a Prometheus that dies during a stage rolls back, noData: ${noData}`, (t) =>
      withScene(bed, api, { name: `evidence-dies-${noData}` }, (scene) =>
        withPrometheus(scene, async (prometheus) => {
          const settings = {
            stages: oneStage(deadline),
            gates: [{ errors: { ...gate, noData } }],
            metrics: { prometheus: prometheus.url, interval: "1s" },
          };
          const program = scene.start(settings, { flags: image("v2") });
          await servingCanary(scene, program);
          await prometheus.kill();
          const finished = await program.ended;
          await assertRolledBack(scene, finished, because);
          assert.equal(/could not be judged/.test(finished.said), noData === "wait", finished.said);
          const { counts, weights } = await scene.end();
          t.diagnostic(`${finished.outputs.because}; ${figures(counts)}`);
          assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
          assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
        }),
      ));
  }

  test("noData: fail lets a release through whose canary is called", (t) =>
    withScene(bed, api, { name: "evidence-eager" }, async (scene) => {
      const eager = {
        gates: [{ errors: { ...gate, noData: "fail" } }],
        metrics: { prometheus: bed.prometheus, interval: "2s" },
      };
      const { code, said } = await scene.start({ stages: oneStage("1m"), ...eager }, { flags: image("v2") }).ended;
      assert.equal(code, 0, said);
      t.diagnostic(figures((await scene.end()).counts));
    }));

  test("a Prometheus that comes back in time is believed again, and the release succeeds", (t) =>
    withScene(bed, api, { name: "evidence-returns" }, (scene) =>
      withPrometheus(scene, async (prometheus) => {
        const settings = {
          stages: oneStage("2m"),
          gates: [{ errors: gate }],
          metrics: { prometheus: prometheus.url, interval: "1s" },
        };
        const program = scene.start(settings, { flags: image("v2") });
        await servingCanary(scene, program);
        await prometheus.kill();
        await sleep(6_000); // twice the time that the stage lasts at least
        assert.doesNotMatch(program.stdout(), /stage 20% passed/);
        await prometheus.start();
        const finished = await program.ended;
        assertSucceeded(finished);
        const { counts, weights } = await scene.end();
        t.diagnostic(`${finished.said}; ${figures(counts)}`);
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v2: 100 }]);
      }),
    ));
});
