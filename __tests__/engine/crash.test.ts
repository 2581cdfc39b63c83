import assert from "node:assert/strict";
import test from "node:test";
import { type Job, run } from "../../src/engine/run.ts";
import type { Plan } from "../../src/release/plan.ts";
import { type Behaviour, createWorld, judgedByEvidence, planOf, second } from "../support/world.ts";

const job = (stop = new AbortController().signal): Job => ({
  stop,
  lost: new AbortController().signal,
  deadlineAt: Infinity,
  warnings: () => [],
});

const stories: readonly (readonly [string, Plan, Behaviour])[] = [
  ["a good release by swap", planOf(), {}],
  ["a good release by update", planOf({ promotion: "update" }), {}],
  ["a canary that goes bad", planOf(), { errors: (now) => (now > 45 * second ? 0.3 : 0) }],
  ["a good release by evidence", judgedByEvidence(planOf()), {}],
  [
    "a canary that goes bad under evidence",
    judgedByEvidence(planOf()),
    { errors: (now) => (now > 45 * second ? 0.5 : 0) },
  ],
  [
    "a canary that never starts",
    planOf(),
    { health: (of) => (of === "canary" ? { ready: false, fatal: "pod reviews-v2-x: cannot pull the image" } : {}) },
  ],
  [
    "a stable that does not take the new image",
    planOf({ promotion: "update" }),
    { health: (of) => (of === "stable" ? { ready: false, fatal: "quota exceeded" } : {}) },
  ],
];

for (const [name, plan, behaviour] of stories) {
  test(`${name} ends the same when its job dies before or after any call and another carries on`, async () => {
    const undisturbed = createWorld(plan, behaviour);
    const { state } = await run(await undisturbed.begin(), undisturbed.ports, job());

    for (let call = 1; call <= undisturbed.calls(); call++) {
      for (const after of [false, true]) {
        const world = createWorld(plan, behaviour);
        world.crash(call, after);
        const first = await Promise.race([run(await world.begin(), world.ports, job()), world.died]);
        assert.equal(first, "died");

        world.crash(Infinity, false);
        const carriedOn = await run(world.load() ?? assert.fail("the journal is empty"), world.ports, job());
        const where = `died ${after ? "after" : "before"} call ${call} of ${undisturbed.calls()}`;
        assert.equal(carriedOn.state.phase, state.phase, where);
        assert.deepEqual(world.cluster, undisturbed.cluster, where);
      }
    }
  });
}

test("no weight is written that the journal had not named before", async () => {
  for (const [, plan, behaviour] of stories) {
    const world = createWorld(plan, behaviour);
    await run(await world.begin(), world.ports, job());
    for (const { weight, journaled } of world.writes) {
      const named =
        journaled?.phase === "shifting"
          ? journaled.step === "routing" && (plan.stages[journaled.stage]?.weight ?? 100) === weight
          : journaled?.phase === "promoting"
            ? journaled.step === "finishing" && weight === (plan.promotion === "swap" ? 100 : 0)
            : journaled?.phase === "rolling-back" && journaled.step === "returning" && weight === 0;
      assert.ok(named, `weight ${weight} was written while the journal said ${JSON.stringify(journaled)}`);
    }
  }
});

test("a job that is cancelled at any call ends with all traffic on one version, and rolled back unless it was promoting", async () => {
  for (const promotion of ["swap", "update"] as const) {
    const plan = planOf({ promotion });
    const undisturbed = createWorld(plan);
    await run(await undisturbed.begin(), undisturbed.ports, job());

    for (let call = 1; call <= undisturbed.calls(); call++) {
      const world = createWorld(plan);
      const stop = new AbortController();
      let told: string | undefined;
      world.onCall((now) => {
        if (now !== call) return;
        told = world.accounts.at(-1)?.state.phase;
        stop.abort("the job was cancelled");
      });
      const { state } = await run(await world.begin(), world.ports, job(stop.signal));
      const forward = world.journaled.includes("promoting");
      assert.equal(
        state.phase,
        forward ? "succeeded" : "rolled-back",
        `cancelled at call ${call} of ${undisturbed.calls()}, ${told}`,
      );
      if (forward)
        assert.ok(told === "promoting" || told === "succeeded", `cancelled at call ${call} while ${told}, and went on`);
      assert.equal(world.cluster.weight, forward && promotion === "swap" ? 100 : 0);
      if (!forward) assert.deepEqual(world.cluster, world.before);
    }
  }
});
