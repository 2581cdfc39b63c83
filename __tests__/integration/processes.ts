import assert from "node:assert/strict";
import test from "node:test";
import { releaseOfOne } from "../../sandbox/shop.ts";
import { until } from "../support/cluster.ts";
import { journalOf } from "./facts.ts";
import { assertAsBefore, scene } from "./scene.ts";

/** What happens to the process itself: its signals and its pipes. */
export function processes(): void {
  test("a cancelled job whose log nobody reads any more gives the traffic back all the same", async (t) => {
    const world = await scene(t, { shop: "one" });
    const program = world.start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates: "- restarts: {}" });
    await until(
      "the release bakes",
      () => journalOf(world.sandbox)?.state,
      (state) => state?.phase === "baking",
    );
    program.closePipes();
    program.signal("SIGINT");
    const { exit, outputs } = await program.ended;
    assert.deepEqual([exit, outputs.outcome, outputs.settled], [1, "rolled-back", "true"]);
    await assertAsBefore(world);
  });
}
