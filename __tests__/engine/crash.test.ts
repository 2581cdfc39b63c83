import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { TakenOverError } from "../../src/lib/errors.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { State } from "../../src/release/state.ts";
import {
  type Behaviour,
  createWorld,
  job,
  judgedByEvidence,
  planOf as longPlan,
  second,
  stageOf,
} from "../support/world.ts";

/** Each call is one more at which a job may die: a short drain has fewer looks. */
const planOf = (more: Partial<Plan> = {}): Plan => longPlan({ drain: 2 * second, ...more });

type Story = readonly [name: string, plan: Plan, behaviour: () => Behaviour];

/** Somebody takes the canary's weight away, once. */
const meddledOnce = (): Behaviour => {
  let done = false;
  return {
    meddle(cluster, now) {
      if (done || now < 30 * second) return;
      done = true;
      cluster.weight = 0;
    },
  };
};

/** Somebody gives the canary another image in its second stage, once. */
const changedOnce = (at: number): Behaviour => {
  let done = false;
  return {
    meddle(cluster, now) {
      if (done || now < at) return;
      done = true;
      cluster.canary = "changed";
    },
  };
};

/** Somebody gives stable its weight back after the promotion, once. */
const givenBackOnce = (): Behaviour => {
  let done = false;
  return {
    meddle(cluster) {
      if (done || cluster.weight !== 100) return;
      done = true;
      cluster.weight = 0;
    },
  };
};

const oneStage = (drift: Plan["drift"]): Plan => planOf({ stages: [stageOf(50)], drift });
const twoStages = planOf({ stages: [stageOf(5), stageOf(50)] });

const stories: readonly Story[] = [
  ["a good release by swap", planOf(), () => ({})],
  ["a good release by update", planOf({ promotion: "update" }), () => ({})],
  ["a canary that goes bad", planOf(), () => ({ errors: (now) => (now > 45 * second ? 0.3 : 0) })],
  ["a good release by evidence", judgedByEvidence(twoStages), () => ({})],
  [
    "a canary that goes bad under evidence",
    judgedByEvidence(twoStages),
    () => ({ errors: (now) => (now > 30 * second ? 0.5 : 0) }),
  ],
  [
    "a canary that never starts",
    planOf(),
    () => ({
      health: (of) => (of === "canary" ? { ready: false, fatal: "pod reviews-v2-x: cannot pull the image" } : {}),
    }),
  ],
  [
    "a stable that does not take the new image",
    planOf({ promotion: "update" }),
    () => ({ health: (of) => (of === "stable" ? { ready: false, fatal: "quota exceeded" } : {}) }),
  ],
  ["a weight that is put back", planOf({ drift: "put-back" }), meddledOnce],
  ["a canary that somebody else changes", oneStage("rollback"), () => changedOnce(10 * second)],
  ["a canary that is put back, and begins again", oneStage("put-back"), () => changedOnce(10 * second)],
  ["a route that is put back after the promotion", oneStage("put-back"), givenBackOnce],
  ["a route that somebody gives back after the promotion", oneStage("rollback"), givenBackOnce],
  [
    "a canary whose pods get no requests any more",
    judgedByEvidence(twoStages),
    () => ({ lost: (now) => (now > 30 * second ? 1 : 0) }),
  ],
];

for (const [name, plan, behaviour] of stories) {
  test(`${name} ends the same when its job dies before or after any call and another carries on`, async () => {
    const undisturbed = createWorld(plan, behaviour());
    const { state } = await run(await undisturbed.begin(), undisturbed.ports, job());

    for (let call = 1; call <= undisturbed.calls.length; call++) {
      for (const after of [false, true]) {
        const world = createWorld(plan, behaviour());
        world.crash(call, after);
        const first = await Promise.race([run(await world.begin(), world.ports, job()), world.died]);
        assert.equal(first, "died");

        world.crash(Infinity, false);
        const carriedOn = await run(world.load() ?? assert.fail("the journal is empty"), world.ports, job());
        const where = `died ${after ? "after" : "before"} call ${call} of ${undisturbed.calls.length}`;
        assert.equal(carriedOn.state.phase, state.phase, where);
        assert.deepEqual(world.cluster, undisturbed.cluster, where);
      }
    }
  });
}

/** At the second and third only what somebody else changed is put back. */
const promotedSteps: readonly string[] = ["finishing", "draining", "retiring"];

/** Whether a job that finds this state knows that the weight may have been written. */
function isNamed(weight: number, state: State | undefined, { stages, promotion }: Plan): boolean {
  switch (state?.phase) {
    case "shifting":
      return state.step === "routing" && (stages[state.stage]?.weight ?? 100) === weight;
    case "baking": // put back
      return stages[state.stage]?.weight === weight;
    case "promoting":
      return promotedSteps.includes(state.step) && weight === (promotion === "swap" ? 100 : 0);
    case "preparing":
      return state.step === "returning" && weight === 0;
    case "rolling-back":
      return weight === 0;
    default:
      return false;
  }
}

test("no weight is written that the journal had not named before", async () => {
  let written = 0;
  for (const [name, plan, behaviour] of stories) {
    const world = createWorld(plan, behaviour());
    await run(await world.begin(), world.ports, job());
    written += world.writes.length;
    for (const { weight, journaled } of world.writes)
      assert.ok(isNamed(weight, journaled, plan), `${name}: ${weight} was written at ${JSON.stringify(journaled)}`);
  }
  assert.ok(written > 20, `${written} weights`);
});

test("a weight is put back only by the job that still has the release", async () => {
  const { meddle } = meddledOnce();
  const world = createWorld(planOf({ drift: "put-back" }), {
    meddle(cluster, now) {
      const { weight } = cluster;
      meddle?.(cluster, now);
      if (cluster.weight !== weight) void takenOver();
    },
  });
  const { journal } = world.ports;
  async function takenOver(): Promise<void> {
    const record = (await journal.load()) ?? assert.fail();
    await journal.save({ ...record, run: { id: "another-job" } });
  }
  await assert.rejects(run(await world.begin(), world.ports, job()), TakenOverError);
  assert.equal(world.cluster.weight, 0, "what somebody else gave the canary meanwhile");
  assert.ok(world.writes.every(({ at }) => at < 30 * second));
});

test("a job that is cancelled at any call ends with all traffic on one version, and rolled back unless it was promoting", async () => {
  for (const promotion of ["swap", "update"] as const) {
    const plan = planOf({ promotion });
    const undisturbed = createWorld(plan);
    await run(await undisturbed.begin(), undisturbed.ports, job());

    for (let call = 1; call <= undisturbed.calls.length; call++) {
      const world = createWorld(plan);
      const stop = new AbortController();
      let phase: string | undefined;
      world.onCall((now) => {
        if (now !== call) return;
        phase = world.accounts.at(-1)?.state.phase;
        stop.abort("the job was cancelled");
      });
      const { state } = await run(await world.begin(), world.ports, job({ stop: stop.signal }));
      const forward = world.journaled.some((journaled) => journaled.phase === "promoting");
      assert.equal(
        state.phase,
        forward ? "succeeded" : "rolled-back",
        `cancelled at call ${call} of ${undisturbed.calls.length}, ${phase}`,
      );
      if (forward)
        assert.ok(
          phase === "promoting" || phase === "succeeded",
          `cancelled at call ${call} while ${phase}, and went on`,
        );
      assert.equal(world.cluster.weight, forward && promotion === "swap" ? 100 : 0);
      if (!forward) assert.deepEqual(world.cluster, world.before);
    }
  }
});
