import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import type { Finished } from "./support/program.ts";
import { assertRolledBack, figures, image, pick, type Scene, withScene } from "./support/scene.ts";
import { ejection, virtualService } from "./support/shop.ts";
import { startTraffic } from "./support/traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// What a release is judged by when nobody names a gate: evidence.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const run = promisify(execFile);

/** The settings of somebody who has none, at 10%. */
const usual = (stages: string | readonly object[]): object => ({ gates: "auto", stages });

describe("evidence", { concurrency: 3 }, () => {
  after(() => api.close());

  test("a canary with 50% errors is out of service by the time it has answered a few requests", (t) =>
    withScene(bed, api, { name: "evidence-broken", perSecond: 50 }, async (scene) => {
      const program = scene.start(usual("10:60s"), { flags: image("v2-err50") });
      await assertRolledBack(
        scene,
        await program.ended,
        /% of the canary's requests failed \(\d+ of \d+\), .*: plainly broken \(more than 10%\); chance does this less than once in ([\d,]+|a million) releases/,
      );
      const { counts, weights } = await scene.end();
      t.diagnostic(figures(counts));
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 90, v2: 10 }, { v1: 100 }]);
      const replayed = await run(process.execPath, ["dist/index.js", "replay", program.report]);
      t.diagnostic(replayed.stdout);
      assert.match(replayed.stdout, /Every verdict agrees with the ledger/);
    }));

  test("a plan says what it can find in the service's own traffic, and is rehearsed with it", (t) =>
    withScene(bed, api, { name: "evidence-plan", perSecond: 50, stable: "shop:v1-err1" }, async (scene) => {
      await waitFor(() => scene.traffic.counts().bad > 1, "failures of stable", 60_000);
      await sleep(2_000); // and their scrape
      const planned = await scene.start(usual("10:5m, 50:5m"), { command: "plan" }).ended;
      t.diagnostic(planned.said);
      assert.equal(planned.code, 0, planned.said);
      assert.match(planned.said, /What it finds in the traffic of the last hour, [\d.]+ requests per second/);
      const rehearsed = await scene.start(usual("10:5m, 50:5m"), {
        command: "rehearse",
        flags: ["--rehearse-runs", "20"],
      }).ended;
      t.diagnostic(rehearsed.said);
      assert.equal(rehearsed.code, 0, rehearsed.said);
      assert.match(
        rehearsed.said,
        /20 rehearsed releases of each kind of canary \(seed 1\), before [\d.]+ requests per second, of which [\d.]+% fail/,
      );
      assert.deepEqual(await scene.now(), scene.before);
    }));

  test("a service in which 1% fails on both versions is released", (t) =>
    withScene(bed, api, { name: "evidence-healthy", perSecond: 100, stable: "shop:v1-err1" }, async (scene) => {
      const finished = await scene.start(usual("10:15s, 50:10s"), { flags: image("v2-err1") }).ended;
      assert.equal(finished.code, 0, finished.said);
      assert.equal(finished.outputs.outcome, "succeeded");
      const { counts } = await scene.end();
      t.diagnostic(figures(counts));
      assert.ok(counts.bad > 0, "some requests failed");
    }));

  test("a canary that nobody can connect to is caught though no request reaches it", (t) =>
    withScene(bed, api, { name: "evidence-refuse", perSecond: 50 }, async (scene) => {
      const finished = await scene.start(usual("10:60s"), { flags: image("v2-refuse") }).ended;
      await assertRolledBack(scene, finished, /100% of the canary's requests failed \((\d+) of \1\)/);
      t.diagnostic(figures((await scene.end()).counts));
    }));

  test("a canary whose pods Envoy ejects is caught though its failures are counted for no version", (t) =>
    withScene(bed, api, { name: "evidence-ejected", perSecond: 50, objects: ejection }, async (scene) => {
      const finished = await scene.start(usual("10:60s"), { flags: image("v2-refuse") }).ended;
      await assertRolledBack(
        scene,
        finished,
        /: plainly broken|the canary got [\d.]+% of the requests \(\d+ of \d+\) where 10% was planned, while \d+ requests of the service failed without reaching a pod/,
      );
      t.diagnostic(figures((await scene.end()).counts));
    }));

  test("a split that another VirtualService spoils is held for somebody to decide", (t) =>
    withScene(bed, api, { name: "evidence-bypass", perSecond: 50 }, async (scene) => {
      const host = "evidence-bypass-too.example.com";
      await apply(
        api,
        virtualService(host, [{ host: "shop", subset: "v1" }]).replace("{name: shop}", "{name: thief}"),
        scene.namespace,
      );
      const thief = startTraffic({ url: bed.gateway, host, perSecond: 100 });
      try {
        // By taking the old pods away it would be refused: the thief's rule names them alone.
        const keepOld = { promotion: { model: "swap", drain: "1s", keepOld: true } };
        const finished = await scene.start({ ...usual("10:20s"), ...keepOld }).ended;
        await assertHeld(
          scene,
          finished,
          /the canary got [\d.]+% of the requests \([\d,]+ of [\d,]+\) where 10% was planned: too little; .*Some callers bypass the route/,
        );
      } finally {
        t.diagnostic(figures(await thief.stop()));
      }
    }));

  test("one request in five seconds decides nothing, and the release says so instead of rolling back", (t) =>
    withScene(bed, api, { name: "evidence-sparse", perSecond: 20 }, async (scene) => {
      await scene.traffic.stop();
      const quiet = startTraffic({ url: bed.gateway, host: scene.host, perSecond: 0.2 });
      try {
        // By nothing at all it would roll back, unless somebody wants to decide by that as well.
        const patient = { ...usual([{ weight: 10, wait: "15s", deadline: "20s" }]), evidence: { noData: "hold" } };
        const finished = await scene.start(patient).ended;
        await assertHeld(
          scene,
          finished,
          /held for somebody to decide: (no request of the canary counted|none of the canary's requests failed)/,
        );
        t.diagnostic(finished.outputs.because ?? "");
      } finally {
        t.diagnostic(figures(await quiet.stop()));
      }
    }));
});

/** Exit code 3, the canary keeps its share, and somebody has to decide. */
async function assertHeld({ bed, host }: Scene, { code, said, outputs }: Finished, because: RegExp): Promise<void> {
  assert.equal(code, 3, said);
  assert.match(outputs.because ?? "", because);
  assert.match(said, because);
  assert.deepEqual(pick(outputs, "outcome", "phase", "settled", "weight"), {
    outcome: "waiting",
    phase: "waiting",
    settled: "true",
    weight: "10",
  });
  assert.deepEqual(await envoyWeights(bed, host), { v1: 90, v2: 10 });
}
