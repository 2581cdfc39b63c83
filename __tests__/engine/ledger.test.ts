import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { pollsOf } from "../../src/evidence/ledger.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import { after } from "../../src/release/transition.ts";
import { say } from "../../src/words/say.ts";
import { createWorld, job, judgedByEvidence, planOf, second, stageOf } from "../support/world.ts";

const plan = (rules: Partial<Plan["evidence"]> = {}, stage: Partial<Stage> = {}): Plan =>
  judgedByEvidence(planOf({ stages: [stageOf(5, stage), stageOf(25)] }), rules);

test("every request since the first weight is in the ledger once, at the weight that it was served with", async () => {
  const world = createWorld(plan());
  const { ledger, state, stages } = await run(await world.begin(), world.ports, job());
  assert.equal(state.phase, "succeeded");
  const polls = pollsOf(ledger);
  assert.deepEqual([...new Set(polls.map(({ weight }) => weight))], [5, 25]);
  const at = (weight: number): number =>
    polls
      .filter((poll) => poll.weight === weight)
      .reduce((sum, { stable, canary }) => sum + stable.requests + canary.requests, 0);
  // 100 requests per second for 20s in each stage; the world's pods are ready at once, so nothing is served in between.
  assert.deepEqual([at(5), at(25)], [2_000, 2_000]);
  for (const { canary, stable, weight } of polls)
    assert.equal(canary.requests, Math.round(((canary.requests + stable.requests) * weight) / 100));
  assert.deepEqual(
    polls.map(({ age }) => age),
    polls.map(({ age }) => age).toSorted((a, b) => a - b),
  );
  assert.deepEqual(stages.map(({ polls }) => polls).at(-1), polls.length);
});

test("the split is seen without the first scrape of a stage, which has requests of the weight before", async () => {
  const world = createWorld(plan());
  const { ledger, stages } = await run(await world.begin(), world.ports, job());
  for (const { weight, served, tally } of stages) {
    const first = pollsOf(ledger).find((poll) => poll.weight === weight && poll.stable.requests > 0) ?? assert.fail();
    assert.equal(served?.stable, tally.stable.requests - first.stable.requests);
    assert.equal(served?.canary, tally.canary.requests - first.canary.requests);
  }
});

test("looks that find nothing new add no poll, though they come four times as often as scrapes", async () => {
  const world = createWorld(plan(), { traffic: false });
  const { ledger, state } = await run(await world.begin(), world.ports, job());
  assert.equal(state.phase, "rolled-back");
  const ages = pollsOf(ledger).map(({ age }) => age);
  assert.ok(
    ages.every((age, index) => age - (ages[index - 1] ?? 0) >= 5 * second),
    String(ages),
  );
});

test("a broken canary is rolled back by what the ledger proves, and the journal has that ledger", async () => {
  const world = createWorld(plan(), { errors: () => 0.5 });
  const { ledger, state } = await run(await world.begin(), world.ports, job());
  assert.ok(
    state.phase === "rolled-back" && /of the canary's requests failed/.test(say(state.reason)),
    JSON.stringify(state),
  );
  assert.deepEqual(world.load()?.ledger, ledger);
  assert.ok(pollsOf(ledger).some(({ canary }) => canary.errors > 0));
});

test("what was proven before somebody approved still counts afterwards", async () => {
  const world = createWorld(plan({}, { approval: true }));
  const waiting = await run(await world.begin(), world.ports, job());
  assert.equal(waiting.state.phase, "waiting");
  const stored = world.load() ?? assert.fail("the journal is empty");
  const approved = { ...stored, state: after(stored.plan, 0, world.now()) };
  const { ledger, stages } = await run(approved, world.ports, job());
  assert.deepEqual(ledger.polls.slice(0, waiting.ledger.polls.length), waiting.ledger.polls);
  const [verdict] = stages.at(-1)?.verdicts ?? [];
  assert.ok(verdict && "conclusion" in verdict.figures);
  const { judged } = verdict.figures.conclusion;
  assert.match(String(judged.requests.canary), /^59\d$/); // 100 of the first stage and 500 of the second, as this world rounds
});

test("a release held by its evidence waits, and says why", async () => {
  const world = createWorld(plan({ settings: { ...plan().evidence.settings, requires: "safe" } }), { errors: () => 0 });
  const { state } = await run(await world.begin(), world.ports, job());
  assert.ok(
    state.phase === "waiting" &&
      /^stage 5% is held for somebody to decide: none of the canary's requests failed \(0 of \d+\)/.test(
        say(state.reason),
      ),
    JSON.stringify(state),
  );
  assert.equal(world.cluster.weight, 5);
});

test("a budget puts smaller steps between, and the release ends as planned", async () => {
  const world = createWorld(plan({ budget: 0.005 }), {});
  const { state, plan: adapted } = await run(await world.begin(), world.ports, job());
  const weights = adapted.stages.map(({ weight }) => weight);
  assert.ok(
    weights.length > 2 && weights.every((weight, index) => weight > (weights[index - 1] ?? 0)),
    String(weights),
  );
  assert.equal(state.phase, "succeeded");
  assert.deepEqual(
    world.writes.map(({ weight }) => weight).filter((weight) => weight < 100),
    weights,
  );
});

test("what is journaled is folded: of more than 480 polls the newest are kept one by one, and the rest as what they came to", async () => {
  const stage = stageOf(5, { wait: 125 * second, deadline: 200 * second });
  const world = createWorld(judgedByEvidence(planOf({ pollEvery: 250, stages: [stage] })));
  const { ledger, state } = await run(await world.begin(), world.ports, job());
  assert.equal(state.phase, "succeeded");
  assert.ok(ledger.folded === undefined && ledger.polls.length > 480, `${ledger.polls.length} polls`);
  const stored = world.load()?.ledger ?? assert.fail("the journal is empty");
  assert.equal(stored.polls.length, 240);
  assert.deepEqual(stored.polls, ledger.polls.slice(-240));
  assert.equal(stored.folded?.polls, ledger.polls.length - 240);
});
