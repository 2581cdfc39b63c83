import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import {
  away,
  type FaultyApiServer,
  passing,
  slower,
  startFaultyApiServer,
  type Treatment,
} from "./support/faulty-api-server.ts";
import type { Program } from "./support/program.ts";
import { assertQuiet, figures, image, pick, type Scene, withScene } from "./support/scene.ts";
import { waitFor } from "./support/wait-for.ts";

// What is between a job and its API server fails, and somebody acts at the worst moment.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
after(() => api.close());

/** A scene whose program reaches the API server through faults. */
async function withFaults(
  t: TestContext,
  name: string,
  play: (scene: Scene, server: FaultyApiServer) => Promise<void>,
): Promise<void> {
  const server = await startFaultyApiServer(bed, name);
  t.after(() => server.close());
  await withScene(bed, api, { name }, (scene) => play(scene, server));
}

const stableAlone = (scene: Scene): Promise<unknown> =>
  waitFor(async () => (await envoyWeights(bed, scene.host)).v1 === 100, "stable alone in Envoy", 60_000, 20);

// One group, the longest first: they wait far more than they compute.
describe("between a job and its API server", { concurrency: 5 }, () => {
  /** Somebody rolls back by hand while a job runs. Ten moments each, evenly over the time that the stages take. */
  for (const part of [0, 1, 2]) {
    test(`a rollback by hand at ten moments, the API server 50ms away: ten times stable alone (${part + 1} of 3)`, (t) =>
      withFaults(t, `brake-${part}`, async (scene, server) => {
        server.treat(slower(50));
        const { kubeconfig } = server;
        for (let moment = part; moment < 30; moment += 3) {
          const program = scene.start({ stages: "20:1s, 40:1s, 60:1s, 80:60s" }, { flags: image("v2"), kubeconfig });
          await waitFor(() => program.stdout().includes("giving the canary 20%"), "the first weight", 60_000, 10);
          await sleep(moment * 150);
          const brake = await scene.start({}, { command: "rollback", kubeconfig }).ended;
          const { code, said } = await program.ended;
          const told = `after ${moment * 150}ms:\n${said}\n---\n${brake.said}`;
          assert.equal(brake.code, 0, told);
          assert.equal(brake.outputs.settled, "true", told);
          assert.equal(code, 3, told);
          await stableAlone(scene);
          assert.deepEqual(await scene.now(), scene.before, told);
        }
        const { counts } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      }));
  }

  for (const seconds of [40, 10]) {
    test(`the API server is away for ${seconds}s of a stage: a canary that fails is out when it returns, for its failures`, (t) =>
      withFaults(t, `away-bad-${seconds}`, async (scene, server) => {
        const { kubeconfig } = server;
        const program = scene.start({ stages: "30:90s" }, { flags: image("v2-err60"), kubeconfig });
        await routed(scene, program, 30);
        server.treat(away);
        await sleep(seconds * 1_000);
        server.treat(passing);
        const back = Date.now();
        await stableAlone(scene);
        const took = Date.now() - back;
        const { code, said, outputs } = await program.ended;
        const { counts } = await scene.end();
        t.diagnostic(`stable alone ${took}ms after its return; ${outputs.because}; ${figures(counts)}`);
        assert.equal(code, 1, said);
        assert.match(outputs.because ?? "", /errors: \d+ of \d+ canary requests failed/);
        assert.equal(outputs.settled, "true");
        await assertQuiet(scene);
      }));

    test(`the API server is away for ${seconds}s of a stage: a good canary is released all the same`, (t) =>
      withFaults(t, `away-good-${seconds}`, async (scene, server) => {
        const { kubeconfig } = server;
        const program = scene.start({ stages: `30:${seconds + 10}s` }, { flags: image("v2"), kubeconfig });
        await routed(scene, program, 30);
        server.treat(away);
        await sleep(seconds * 1_000);
        server.treat(passing);
        const { code, said, outputs } = await program.ended;
        const { counts } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(code, 0, said);
        assert.deepEqual(pick(outputs, "outcome", "settled"), { outcome: "succeeded", settled: "true" });
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      }));
  }

  test("the answer to a renewal of the lock is lost after it was applied: the job goes on, and succeeds", (t) =>
    withFaults(t, "lost-renewal", async (scene, server) => {
      let lost = 0;
      server.treat(async (call) => {
        const isRenewal = call.method === "PUT" && call.path.includes("/leases/");
        await call.pass();
        if (!isRenewal || lost++ >= 2) return call.answer();
        call.cut();
      });
      const { kubeconfig } = server;
      const program = scene.start({ stages: "30:25s" }, { flags: image("v2"), kubeconfig });
      const { code, said } = await program.ended;
      const { counts } = await scene.end();
      t.diagnostic(`${lost} renewals; ${figures(counts)}`);
      assert.ok(lost >= 2, "no renewal came");
      assert.equal(code, 0, said);
      assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
    }));

  test("a rollback by hand while a weight of the job's is under way: it does not land afterwards", (t) =>
    withFaults(t, "late-weight", async (scene, server) => {
      const held = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      server.treat(holding(arrived.resolve, held.promise));
      const { kubeconfig } = server;
      const program = scene.start({ stages: "20:2s, 50:60s" }, { flags: image("v2"), kubeconfig });
      await arrived.promise;
      const brake = await scene.start({}, { command: "rollback" }).ended;
      assert.equal(brake.code, 0, brake.said);
      held.resolve();
      const { code, said } = await program.ended;
      assert.equal(code, 3, said);
      await stableAlone(scene);
      assert.deepEqual(await scene.now(), scene.before);
      const again = await scene.start({}, { command: "rollback" }).ended;
      assert.equal(again.code, 2, again.said);
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
      assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
    }));
});

async function routed(scene: Scene, { ended }: Program, weight: number): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  await waitFor(
    async () => over || (await envoyWeights(bed, scene.host)).v2 === weight,
    `${weight}% in Envoy`,
    60_000,
    20,
  );
}

/** Holds the first weight of 50% back until it is let go. */
function holding(arrived: () => void, letGo: Promise<void>): Treatment {
  let isFirst = true;
  return async (call) => {
    const isWeight =
      call.method === "PATCH" && call.path.includes("/virtualservices/") && !call.path.includes("dryRun");
    if (isWeight && call.body.includes("50") && isFirst) {
      isFirst = false;
      arrived();
      await letGo;
    }
    await call.pass();
    call.answer();
  };
}
