import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { imageOf, releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { deploymentOf, holderOf, objectsOf, reached, routeOf } from "./facts.ts";
import { assertServedBy, pull, type Scene, scene } from "./scene.ts";

/** Nothing that a bad version would be found by: it is released, and noticed later. */
const blind = { stages: "50:300ms, 100", gates: "- restarts: {}" };
const swap = { ...releaseOfTwo("v2"), ...blind };
const update = { ...releaseOfOne("v2"), ...blind };

/** What somebody on call writes by hand. */
const undo = { namespace: "shop", service: "reviews", command: "undo" };

async function released({ run, traffic }: Scene, inputs: Readonly<Record<string, string>>): Promise<void> {
  const { exit, said } = await run(inputs);
  assert.equal(exit, 0, said);
  await traffic.lap();
}

/** Customers get good answers all the time, of the version before in the end. */
async function assertUndone({ sandbox, traffic }: Scene): Promise<void> {
  assert.equal(traffic.counts().bad, 0);
  await assertServedBy(sandbox, traffic, "v1");
  assert.equal(holderOf(sandbox), undefined);
}

describe("undo", { concurrency: 3 }, () => {
  test("after a swap the old version gets its pods, then its traffic, and no customer gets a bad answer", async (t) => {
    const world = await scene(t, { shop: "two", becomesReady: 700, rate: 40 });
    const { sandbox, before, run } = world;
    await released(world, swap);
    const { exit, said, outputs } = await run(undo);
    assert.equal(exit, 0, said);
    assert.equal(routeOf(sandbox), "v1 100, v2 0");
    assert.deepEqual(
      [deploymentOf(sandbox, "reviews-v1"), deploymentOf(sandbox, "reviews-v2")],
      [
        { replicas: 2, image: imageOf("v1") },
        { replicas: 0, image: imageOf("v2") },
      ],
    );
    assert.equal(objectsOf(sandbox)["VirtualService reviews"], before["VirtualService reviews"]);
    await assertUndone(world);
    assert.deepEqual([outputs.outcome, outputs.settled, outputs.weight], ["succeeded", "true", "100"]);
    assert.equal(
      outputs.because,
      "the version before serves everything again: reviews-v1 with registry.example/reviews:v1",
    );
    const [comment] = sandbox.github.comments(pull.number);
    assert.match(comment?.body ?? "", /### ✅ shop\/reviews .*: undone, reviews-v1 runs the version before and serves/);

    const again = await run(undo);
    assert.equal(again.exit, 2, again.said);
    assert.match(again.said, /nothing was undone\. The last release is undone already: .*:v1 serves\./);
    const next = await run({ ...swap, ...releaseOfTwo("v3") });
    assert.equal(next.exit, 0, next.said);
    assert.equal(routeOf(sandbox), "v1 0, v2 100"); // the roles are those of the file again
  });

  test("after an update stable has its image back, everything else is as it was, and no customer gets a bad answer", async (t) => {
    const world = await scene(t, { shop: "one", becomesReady: 700, rate: 40 });
    const { sandbox, before, run } = world;
    await released(world, update);
    const { exit, said } = await run(undo);
    assert.equal(exit, 0, said);
    assert.deepEqual(objectsOf(sandbox), before);
    await assertUndone(world);
  });

  test("a version that fails every request is gone back from, to another one than the last if somebody says so", async (t) => {
    const world = await scene(t, { shop: "two", rate: 40 });
    const { sandbox, traffic, run, type } = world;
    await released(world, { ...swap, image: imageOf("v2-err100") });
    const { exit, said } = await type(
      "istio-canary undo --namespace shop --service reviews --image registry.example/reviews:v9",
    );
    assert.equal(exit, 0, said);
    assert.equal(deploymentOf(sandbox, "reviews-v1")?.image, imageOf("v9"));
    await assertServedBy(sandbox, traffic, "v9");
    const refused = await run({ ...undo, image: imageOf("v8") });
    assert.equal(refused.exit, 2, refused.said);
  });

  for (const [model, inputs, shop] of [
    ["swap", swap, "two"],
    ["update", update, "one"],
  ] as const) {
    test(`an undo of ${model} that is cancelled while its pods start leaves the newer version serving, and can be tried again`, async (t) => {
      const world = await scene(t, { shop, becomesReady: 1_500, rate: 40 });
      const { sandbox, traffic, run, startAction } = world;
      await released(world, inputs);
      const between = objectsOf(sandbox);
      const job = startAction(undo, { ladder: { terminate: 60_000, kill: 90_000 } });
      await reached(sandbox, "preparing/starting", job.done);
      job.cancel();
      const { steps, outputs } = await job.done;
      assert.deepEqual([steps[0]?.exit, outputs.outcome, outputs.settled], [1, "rolled-back", "true"], steps[0]?.log);
      assert.deepEqual(objectsOf(sandbox), between);
      assert.equal(traffic.counts().bad, 0);
      await assertServedBy(sandbox, traffic, "v2");

      const again = await run(undo);
      assert.equal(again.exit, 0, again.said);
      await assertUndone(world);
    });

    test(`an undo of ${model} whose job is killed when it has moved the traffic is finished by the second step`, async (t) => {
      const world = await scene(t, { shop, rate: 40 });
      const { sandbox, startAction } = world;
      await released(world, { ...inputs, drain: "2s" });
      const job = startAction(undo, { ladder: { terminate: 100, kill: 200 } });
      await reached(sandbox, "promoting/draining", job.done);
      job.cancel();
      const { steps, outputs } = await job.done;
      assert.deepEqual([outputs.outcome, outputs.settled], ["succeeded", "true"], steps[1]?.log);
      await assertUndone(world);
    });
  }

  test("where there is nothing to undo it says so, and touches nothing", async (t) => {
    const { sandbox, before, run, start } = await scene(t, { shop: "two", rate: 0 });
    const never = await run(undo);
    assert.deepEqual([never.exit, never.outputs.settled], [2, undefined], never.said);
    assert.match(never.said, /shop\/reviews: nothing was undone\. No release was ever begun here\./);

    const job = start({ ...swap, stages: "50:60s, 100" });
    await reached(sandbox, "baking", job.ended);
    job.signal("SIGINT");
    assert.equal((await job.ended).exit, 1);
    const back = await run(undo);
    assert.equal(back.exit, 2, back.said);
    assert.match(back.said, /was rolled back: the version before it, reviews-v1, serves already/);
    assert.deepEqual(objectsOf(sandbox), before);
  });
});
