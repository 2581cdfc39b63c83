import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { releaseOfTwo } from "../../sandbox/shop.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { clientOf } from "../support/cluster.ts";
import { deploymentOf, reached, routeOf } from "./facts.ts";
import { rewrite, scaleTo } from "./kubectl.ts";
import { assertRolledBack, assertServedBy, scene } from "./scene.ts";

const patient = "- errors: { atMost: 100%, minRequests: 1 }";
const swap = { ...releaseOfTwo("v2"), stages: "50:300ms, 100", gates: patient, drain: "5s" };

/* Somebody else's hand when the stages are over, and on what every release stands on. */
describe("other people's writes during a release", { concurrency: 3 }, () => {
  test("a route that somebody puts back while a swap drains takes no pods with it, and no request fails", async (t) => {
    const world = await scene(t, { shop: "two" });
    const program = world.start(swap);
    await reached(world.sandbox, "promoting/draining", program.ended);
    rewrite(world, 45, 55);
    await assertRolledBack(
      world,
      await program.ended,
      /^the route is not as the release left it: .*v1 45, v2 55 instead of v1 0, v2 100, written by kubectl$/,
    );
    assert.equal(world.traffic.counts().bad, 0);
  });

  test("a canary that loses its pods while a swap drains gives everything back to stable", async (t) => {
    const world = await scene(t, { shop: "two" });
    const program = world.start(swap);
    await reached(world.sandbox, "promoting/draining", program.ended);
    scaleTo(world, "reviews-v2", 0);
    await assertRolledBack(
      world,
      await program.ended,
      /^no pod of the canary is available any more: it is scaled to 0/,
    );
  });

  test("a stable that somebody scaled to 0 has pods again before a bad canary loses its requests", async (t) => {
    const world = await scene(t, { shop: "two" });
    const gates = "- errors: { atMost: 5%, minRequests: 40 }";
    const program = world.start({ ...releaseOfTwo("v2-err60"), stages: "50:30s, 100", gates });
    await reached(world.sandbox, "baking", program.ended);
    scaleTo(world, "reviews-v1", 0);
    const { exit, outputs, said } = await program.ended;
    assert.equal(exit, 1, said);
    assert.match(said, /somebody scaled stable to 0, which is to have all requests: it gets its pods back/);
    assert.deepEqual([outputs.outcome, outputs.settled], ["rolled-back", "true"]);
    assert.equal(deploymentOf(world.sandbox, "reviews-v1")?.replicas, 2);
    assert.equal(routeOf(world.sandbox), "v1 100, v2 0");
    await assertServedBy(world.sandbox, world.traffic, "v1");
  });

  test("a DestinationRule that somebody deletes in a stage ends it: without it nobody is served", async (t) => {
    const world = await scene(t, { shop: "two" });
    const program = world.start({ ...swap, stages: "50:30s, 100" });
    await reached(world.sandbox, "baking", program.ended);
    await clientOf(world.sandbox.api).delete(resources.destinationRules, "shop", "reviews");
    const { exit, outputs, said } = await program.ended;
    assert.deepEqual([exit, outputs.outcome, outputs.settled], [3, "rolled-back", "false"], said);
    assert.match(
      said,
      /no request for the canary can be answered: no DestinationRule in namespace shop has the subset v2/,
    );
    assert.match(said, /not as it should be: no DestinationRule in namespace shop has the subset v1/);
    assert.equal(routeOf(world.sandbox), "v1 100, v2 0");
  });

  test("a canary that loses its subset while a swap drains gives everything back to stable", async (t) => {
    const world = await scene(t, { shop: "two" });
    const program = world.start(swap);
    await reached(world.sandbox, "promoting/draining", program.ended);
    const client = clientOf(world.sandbox.api);
    const body = [{ op: "remove", path: "/spec/subsets/1" }] as const;
    await client.patch(resources.destinationRules, "shop", "reviews", { type: "json", body });
    const { exit, outputs, said } = await program.ended;
    assert.deepEqual([exit, outputs.outcome], [1, "rolled-back"], said);
    assert.match(outputs.because ?? "", /^no request for the canary can be answered: no DestinationRule .* subset v2/);
    await assertServedBy(world.sandbox, world.traffic, "v1");
  });
});
