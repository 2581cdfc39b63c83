import assert from "node:assert/strict";
import test, { describe } from "node:test";
import type { CompositeResult } from "../../sandbox/composite/composite.ts";
import { type Inputs, imageOf, releaseOfOne } from "../../sandbox/shop.ts";
import { until } from "../support/cluster.ts";
import { deploymentOf, find, holderOf, objectsOf, reached, routeOf } from "./facts.ts";
import { assertAsBefore, assertServedBy, type Scene, scene } from "./scene.ts";

const gates = "- errors: { atMost: 5%, minRequests: 5 }";
const long = { ...releaseOfOne("v2"), stages: "50:60s, 100", gates };
const short = { ...releaseOfOne("v2"), stages: "100", gates: "- restarts: {}" };

/** A machine that is busy with other tests has more patience than a runner: the tests ask what the first signal does. */
const patient = { terminate: 60_000, kill: 90_000 };

/** Runs the whole action, and cancels the job when the release has got so far. */
async function cancelledAt(
  { sandbox, startAction }: Scene,
  wanted: string,
  inputs: Inputs,
  ladder = patient,
): Promise<CompositeResult> {
  const run = startAction(inputs, { ladder });
  await reached(sandbox, wanted, run.done);
  run.cancel();
  return run.done;
}

const conclusions = ({ steps }: CompositeResult): readonly string[] => steps.map(({ conclusion }) => conclusion);

describe("cancelled jobs", { concurrency: 3 }, () => {
  test("a job that is cancelled while it prepares leaves nothing behind, and its second step has nothing to do", async (t) => {
    const world = await scene(t, { shop: "one" });
    const result = await cancelledAt(world, "preparing/starting", {
      ...long,
      image: imageOf("v2-notready"),
    });
    assert.deepEqual(conclusions(result), ["cancelled", "skipped"]);
    assert.deepEqual(
      [result.steps[0]?.exit, result.outputs.outcome, result.outputs.settled],
      [1, "rolled-back", "true"],
      result.steps[0]?.log,
    );
    assert.equal(world.traffic.counts().byVersion.v2, undefined);
    await assertAsBefore(world);
  });

  test("a job that is cancelled in a stage gives the traffic back at the first signal", async (t) => {
    const world = await scene(t, { shop: "one" });
    const result = await cancelledAt(world, "baking", long);
    assert.deepEqual(conclusions(result), ["cancelled", "skipped"]);
    assert.deepEqual(
      [result.steps[0]?.exit, result.outputs.outcome, result.outputs.settled],
      [1, "rolled-back", "true"],
      result.steps[0]?.log,
    );
    assert.match(result.outputs.because ?? "", /^the job was cancelled/);
    assert.equal(world.traffic.counts().bad, 0);
    await assertAsBefore(world);
  });

  test("a job that is cancelled while it promotes goes on to the end: only forward is safe", async (t) => {
    const { sandbox, traffic, ...world } = await scene(t, { shop: "one" });
    const result = await cancelledAt({ sandbox, traffic, ...world }, "promoting", short);
    assert.deepEqual(
      [result.steps[0]?.exit, result.outputs.outcome, result.outputs.settled],
      [0, "succeeded", "true"],
      result.steps[0]?.log,
    );
    assert.equal(deploymentOf(sandbox, "reviews")?.image, imageOf("v2"));
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v2");
  });

  test("a rollback that nobody answers ends with the second signal, and says what is left to be done by hand", async (t) => {
    const { sandbox, start } = await scene(t, { shop: "one", rate: 0 });
    const job = start(long);
    await reached(sandbox, "baking", job.ended);
    const answerAgain = sandbox.api.fail({ method: "PATCH", path: "virtualservices", delay: 300_000, times: 99 });
    job.signal("SIGINT");
    await until(
      "it gives the traffic back",
      () => sandbox.api.requests.count({ method: "GET", path: "virtualservices" }),
      (count) => count > 0,
    );
    job.signal("SIGTERM");
    const { exit, outputs, said } = await job.ended;
    answerAgain();
    assert.equal(exit, 3, said);
    // Whether it is settled is left to the second step, which tries once more.
    assert.deepEqual([outputs.outcome, outputs.settled ?? ""], ["failed", ""]);
    assert.match(said, /stuck while rolling back/);
    assert.equal(routeOf(sandbox), "stable 50, canary 50");
  });

  test("a promotion that is killed is finished by the second step", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, traffic, before } = world;
    const result = await cancelledAt(
      world,
      "promoting/draining",
      { ...short, drain: "2s" },
      { terminate: 100, kill: 200 },
    );
    assert.deepEqual(conclusions(result), ["cancelled", "success"]);
    assert.deepEqual(
      [result.steps[0]?.exit, result.outputs.outcome, result.outputs.settled],
      ["SIGKILL", "succeeded", "true"],
      result.steps[1]?.log,
    );
    assert.deepEqual(
      [deploymentOf(sandbox, "reviews")?.image, deploymentOf(sandbox, "reviews-canary")],
      [imageOf("v2"), undefined],
    );
    assert.equal(objectsOf(sandbox)["VirtualService reviews"], before["VirtualService reviews"]);
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v2");
  });

  test("what a killed job left half-way stays as it is until `settle` of the same job gives it back", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, start, run } = world;
    const job = start(long, { runId: "4711" });
    await reached(sandbox, "baking", job.ended);
    job.signal("SIGKILL");
    const { exit, outputs } = await job.ended;
    assert.deepEqual([exit, outputs.phase, outputs.settled], ["SIGKILL", "baking", ""]);
    assert.equal(routeOf(sandbox), "stable 50, canary 50");

    const settle = await run({ ...long, command: "settle" }, { runId: "4711" });
    assert.equal(settle.exit, 0, settle.said);
    assert.deepEqual([settle.outputs.outcome, settle.outputs.settled], ["rolled-back", "true"]);
    assert.equal(world.traffic.counts().bad, 0);
    await assertAsBefore(world);
  });

  test("what a lost runner left half-way is ended by the next release, once the lock has run out", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { sandbox, traffic, start, run } = world;
    const job = start(long);
    await reached(sandbox, "baking", job.ended);
    job.signal("SIGKILL");
    await job.ended;
    const refused = await run(short);
    assert.equal(refused.exit, 2, refused.said);

    const { metadata, spec } = find(sandbox, "leases", "istio-canary-reviews") ?? assert.fail("there is no Lease");
    const longAgo = { ...(spec as object), renewTime: "2026-01-01T00:00:00.000000Z" };
    sandbox.api.apply([
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: metadata.name, namespace: "shop" },
        spec: longAgo,
      },
    ]);
    const next = await run({ ...short, image: imageOf("v3") });
    assert.equal(next.exit, 0, next.said);
    assert.match(next.said, /the release of registry\.example\/reviews:v2 .*was left half-way; it is ended first/);
    assert.match(
      next.said,
      /rolled back, all requests go to reviews again[\s\S]*released, reviews runs the new version/,
    );
    assert.equal(deploymentOf(sandbox, "reviews")?.image, imageOf("v3"));
    assert.equal(holderOf(sandbox), undefined);
    assert.equal(traffic.counts().bad, 0);
    await assertServedBy(sandbox, traffic, "v3");
  });
});
