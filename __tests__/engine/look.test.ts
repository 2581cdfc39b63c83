import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { pollsOf } from "../../src/evidence/ledger.ts";
import type { Plan } from "../../src/release/plan.ts";
import { say } from "../../src/words/say.ts";
import { type Behaviour, createWorld, job, judgedByEvidence, planOf, second, stageOf } from "../support/world.ts";

const ended = async (plan: Plan, behaviour: Behaviour) => {
  const world = createWorld(plan, behaviour);
  const record = await run(await world.begin(), world.ports, job());
  return { world, ...record };
};

test("requests are counted while pods start for the next weight, at the weight that they were served with", async () => {
  const { ledger, state } = await ended(judgedByEvidence(planOf()), {
    health: (_of, now) => ({ ready: now < 22 * second || now > 42 * second }),
  });
  assert.equal(state.phase, "succeeded");
  const polls = pollsOf(ledger).filter(({ weight, age }) => weight === 5 && age > 20 * second);
  assert.ok(polls.length >= 4, `${polls.length} polls while pods started`);
  const served = polls.reduce((sum, { stable, canary }) => sum + stable.requests + canary.requests, 0);
  assert.ok(served >= 1_900 && served <= 2_100, `${served} requests in 20s`);
});

test("a canary that goes bad while pods start for its next weight is taken out before it gets that", async () => {
  const { world, state } = await ended(judgedByEvidence(planOf()), {
    health: (_of, now) => ({ ready: now < 22 * second || now > 60 * second }),
    errors: (now) => (now > 25 * second ? 0.8 : 0),
  });
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed");
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5, 0],
  );
});

test("requests that reached no pod are in the ledger, and a canary that gets none for that reason is taken out", async () => {
  const { ledger, state } = await ended(judgedByEvidence(planOf()), { lost: () => 1 });
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
  assert.match(
    say(state.reason),
    /^the canary got 0% of the requests \(0 of \d+\) where 5% was planned, while \d+ requests of the service/,
  );
  assert.ok(pollsOf(ledger).some(({ lost }) => lost > 0));
});

test("a query is asked once an interval, and when the wait ends between two", async () => {
  const gate = { kind: "query", name: "errors", query: "q", atMost: 0.1, tolerate: 0, noData: "wait" } as const;
  const plan = planOf({
    stages: [stageOf(5, { wait: 12 * second, gates: [gate, { kind: "evidence", name: "evidence" }] })],
  });
  const { world } = await ended(judgedLoosely(plan), {});
  const asked = world.calls.filter(({ name }) => name === "metrics.query").map(({ at }) => at / second);
  assert.deepEqual(asked, [2, 7, 12, 14]);
});

/** Evidence that lets everything pass, and is looked at four times as often as queries are asked. */
const judgedLoosely = (plan: Plan): Plan => ({
  ...plan,
  evidence: { ...plan.evidence, inconclusive: "promote", noData: "promote" },
});

test("counts and readings go on after a weight was put back: its stage is the same", async () => {
  let done = false;
  const gate = { kind: "query", name: "errors", query: "q", atMost: 0.1, tolerate: 0, noData: "wait" } as const;
  const { world, stages, state } = await ended(
    planOf({ drift: "put-back", stages: [stageOf(5, { gates: [...stageOf(5).gates, gate] }), stageOf(50)] }),
    {
      meddle: (cluster, now) => {
        if (done || now < 12 * second) return;
        done = true;
        cluster.weight = 0;
      },
    },
  );
  assert.equal(state.phase, "succeeded");
  assert.equal(world.writes.filter(({ weight }) => weight === 5).length, 2);
  const [first] = stages;
  const counted = (first?.tally.stable.requests ?? 0) + (first?.tally.canary.requests ?? 0);
  assert.ok(counted >= 1_900, `${counted} requests of 20s`);
  const asked = world.calls.filter(({ name, at }) => name === "metrics.query" && at <= 22 * second).map(({ at }) => at);
  assert.deepEqual(
    asked,
    [2, 7, 12, 17, 22].map((at) => at * second),
  );
});

test("a release leaves the cluster as it should be, whichever way it ends", async () => {
  const swap = await ended(planOf(), {});
  assert.deepEqual(swap.world.cluster, { weight: 100, canary: "promoted", stable: "scaled down", subset: true });
  const update = await ended(planOf({ promotion: "update" }), {});
  assert.deepEqual(update.world.cluster, { weight: 0, canary: "as before", stable: "new image", subset: false });
  const back = await ended(planOf(), { errors: () => 0.3 });
  assert.deepEqual(back.world.cluster, { weight: 0, canary: "as before", stable: "as before", subset: false });
});
