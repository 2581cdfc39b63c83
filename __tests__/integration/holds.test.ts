import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { releaseOfTwo } from "../../sandbox/shop.ts";
import { journalOf, routeOf } from "./facts.ts";
import { assertAsBefore, type Scene, scene } from "./scene.ts";

/** What `examples/workflows/watch.yml` runs every ten minutes. */
const watch = { namespace: "shop", service: "reviews", command: "settle" };

/** Only the journal knows since when a release is held. */
function heldSince({ sandbox }: Scene, ago: number): void {
  const journal = journalOf(sandbox) ?? assert.fail();
  const state = { ...journal.state, since: Date.now() - ago };
  const metadata = { name: "istio-canary-reviews", namespace: "shop" };
  const data = { "release.json": JSON.stringify({ ...journal, state }) };
  sandbox.api.apply([{ apiVersion: "v1", kind: "ConfigMap", metadata, data }]);
}

const minute = 60_000;

describe("holds", { concurrency: 3 }, () => {
  test("a hold that runs out is rolled back by the settle of a later job, and not before", async (t) => {
    const world = await scene(t, { shop: "two", rate: 4 });
    const { sandbox, run, startAction } = world;
    const stages = "- { weight: 50, wait: 1s, deadline: 2s }\n- 100";
    const evidence = "{ noData: hold, holdFor: 30m }";
    const release = await run({ ...releaseOfTwo("v2"), stages, gates: "- auto", evidence });
    assert.equal(release.exit, 3, release.said);
    const { state } = journalOf(sandbox) ?? assert.fail();
    assert.ok(state.phase === "waiting" && state.reason.kind === "held", JSON.stringify(state));
    const route = routeOf(sandbox);

    heldSince(world, 29 * minute);
    const early = await startAction(watch).done;
    assert.deepEqual([early.steps[0]?.exit, early.outputs.settled, routeOf(sandbox)], [0, "true", route]);
    assert.equal((await run({ ...watch, command: "status" })).exit, 3);

    heldSince(world, 31 * minute);
    const late = await startAction(watch).done;
    const log = late.steps[0]?.log ?? "";
    assert.deepEqual(
      [late.steps[0]?.exit, late.outputs.settled, late.outputs.outcome],
      [0, "true", "rolled-back"],
      log,
    );
    assert.match(log, /it was held, and nobody decided within 30m/);
    await assertAsBefore(world);
    assert.equal((await run({ ...watch, command: "status" })).exit, 0);
  });
});
