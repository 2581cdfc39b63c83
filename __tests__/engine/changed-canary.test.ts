import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { pollsOf } from "../../src/evidence/ledger.ts";
import { type Behaviour, createWorld, job, judgedByEvidence, planOf, second } from "../support/world.ts";

/* Somebody else changes the canary while it is judged. */

const changedAt = (...times: readonly number[]): Behaviour => {
  const due = [...times];
  return {
    meddle(cluster, now) {
      if (due[0] === undefined || now < due[0]) return;
      due.shift();
      cluster.canary = "changed";
    },
  };
};
const released = async (behaviour: Behaviour, plan = judgedByEvidence(planOf({ drift: "put-back" }))) => {
  const world = createWorld(plan, behaviour);
  const record = await run(await world.begin(), world.ports, job());
  return { world, ...record };
};

test("what a canary runs when it is ready is written down before it is given any weight", async () => {
  const { world } = await released({ errors: () => 0.9 });
  const [first] = world.writes;
  assert.equal(first?.weight, 5);
  assert.deepEqual(world.load()?.judged, { image: "v2", digests: {} });
});

test("a canary that was changed and put back is judged from the beginning, by nothing that was counted before", async () => {
  const { world, state, ledger, stages, log, again } = await released(changedAt(30 * second));
  assert.equal(state.phase, "succeeded");
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5, 25, 0, 5, 25, 50, 100, 100],
  );
  assert.equal(again, 1);
  assert.equal(log.filter(({ reason }) => reason.kind === "canary-put-back").length, 1);
  assert.deepEqual(
    stages.map(({ weight }) => weight),
    [5, 25, 50],
  );
  const begun = stages[0]?.since ?? 0;
  assert.ok(begun > 30 * second);
  assert.ok(pollsOf(ledger).every(({ age }) => age <= world.now() - begun));
  const weights = pollsOf(ledger).map(({ weight }) => weight);
  assert.deepEqual(
    weights,
    weights.toSorted((a, b) => a - b),
    "polls of one ascent alone",
  );
});

test("a canary that is changed again and again is rolled back at the third time", async () => {
  const { world, state } = await released(changedAt(30 * second, 60 * second, 90 * second, 120 * second));
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "canary-changed", JSON.stringify(state));
  assert.equal(state.reason.putBacks, 2);
  assert.deepEqual(world.cluster, world.before);
});
