import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Job } from "../../src/engine/job.ts";
import { run } from "../../src/engine/run.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { append, emptyLedger, evidenceOf, type Ledger } from "../../src/evidence/ledger.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import { type Replay, type Replayable, replayLedger } from "../../src/rehearsal/replay-ledger.ts";
import type { Account } from "../../src/release/account.ts";
import type { EvidenceRules } from "../../src/release/gate.ts";
import { judgeEvidence } from "../../src/release/judge.ts";
import type { EvidenceVerdict } from "../../src/release/verdict.ts";
import { say } from "../../src/words/say.ts";
import { evidenceRules } from "../support/evidence-rules.ts";
import { type Behaviour, createWorld, judgedByEvidence, planOf, second, stageOf } from "../support/world.ts";

const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const job: Job = {
  stop: new AbortController().signal,
  lost: new AbortController().signal,
  deadlineAt: Infinity,
  warnings: () => [],
};

/** Every account that a release told of itself, as a report file had it. */
async function told(behaviour: Behaviour): Promise<readonly Account[]> {
  const world = createWorld(judgedByEvidence(planOf({ stages: [stageOf(5), stageOf(25)] })), behaviour);
  await run(await world.begin(), world.ports, job);
  return stored(world.accounts);
}

const outcomes = ({ stages }: Replay): readonly string[] => stages.map(({ outcome }) => outcome);

for (const [what, behaviour] of [
  ["a good release", {}],
  ["a release that is rolled back", { errors: () => 0.5 }],
  ["a release whose canary dies in its second stage", { errors: (now) => (now > 30 * second ? 1 : 0) }],
  ["a release without traffic", { traffic: false }],
] satisfies readonly (readonly [string, Behaviour])[]) {
  test(`${what} replays to the verdicts that it told, at every moment`, async () => {
    const accounts = await told(behaviour);
    for (const account of accounts) assert.deepEqual(replayLedger(account).agrees, true, say(account.reason));
    const last = replayLedger(accounts.at(-1) ?? assert.fail());
    assert.ok(outcomes(last).includes("agrees"), outcomes(last).join());
    assert.equal(last.polls, accounts.at(-1)?.ledger.polls.length);
  });
}

const edges = [1, 10, 100, 1_000];
const histogram = fc.array(fc.nat(50), { minLength: 5, maxLength: 5 }).map((between) => {
  let count = 0;
  return [...edges, Infinity].map((le, index) => {
    count += between[index] ?? 0;
    return { le, count };
  });
});
const count = fc
  .record({
    requests: fc.oneof(fc.nat(500), fc.nat(1e9)),
    failing: fc.double({ min: 0, max: 1, noNaN: true }),
    buckets: fc.oneof(fc.constant([]), histogram),
  })
  .map(({ requests, failing, buckets }) => ({ requests, errors: Math.round(requests * failing), buckets }));
const courses = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), stable: count, canary: count, lost: fc.nat(50) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((polls) => polls.map((poll, index): Poll => ({ ...poll, age: (index + 1) * 30_000, from: index * 30_000 })));
const rules = fc
  .record({
    requires: fc.constantFrom("sound" as const, "safe" as const),
    phi: fc.constantFrom(1, 2.7),
    objective: fc.constantFrom(0.01, 0.3),
  })
  .map(
    ({ requires, phi, objective }): EvidenceRules => ({
      ...evidenceRules,
      settings: {
        ...evidenceRules.settings,
        warmUp: 60_000,
        requires,
        objective,
        dispersion: { kind: "tempered", phi },
      },
    }),
  );

const gate = { kind: "evidence", name: "evidence" } as const;
const verdictOn = (evidence: Evidence, rules: EvidenceRules) => ({
  gate: "evidence",
  ...judgeEvidence(evidence, rules),
});

/** A release of one stage that was told after each of its polls, as if each had been the last of a stage. */
function released(
  polls: readonly Poll[],
  rules: EvidenceRules,
  foldedPolls = 0,
): Replayable & { readonly ledger: Ledger } {
  let evidence = noEvidence;
  const stages = polls.map((poll, index) => {
    evidence = addPoll(evidence, poll, rules.settings);
    return { stage: 0, name: "10%", weight: 10, polls: index + 1, verdicts: [verdictOn(evidence, rules)] };
  });
  const whole = polls.reduce(append, emptyLedger);
  const folded = evidenceOf({ ...whole, polls: whole.polls.slice(0, foldedPolls) }, rules.settings);
  const ledger = foldedPolls === 0 ? whole : { ...whole, folded, polls: whole.polls.slice(foldedPolls) };
  return { plan: { evidence: rules, stages: [{ gates: [gate] }] }, stages, ledger };
}

test("any ledger, read back from JSON, replays to the same verdict at every poll", () => {
  fc.assert(
    fc.property(courses, rules, (polls, rules) => {
      const report = released(polls, rules);
      const { stages, agrees } = replayLedger(stored(report));
      assert.deepEqual(
        stages.map((stage) => (stage.outcome === "agrees" ? stage.replayed : stage)),
        report.stages.map(({ verdicts }) => verdicts[0]),
      );
      assert.ok(agrees);
    }),
  );
});

test("where older polls were folded, everything after them replays the same, and what was before is said to be lost", () => {
  fc.assert(
    fc.property(courses, rules, fc.nat(12), (polls, rules, at) => {
      const foldedPolls = Math.min(at, polls.length);
      const { stages, folded, polls: all, agrees } = replayLedger(stored(released(polls, rules, foldedPolls)));
      assert.deepEqual([folded, all, agrees], [foldedPolls, polls.length, true]);
      for (const { polls, outcome } of stages) assert.equal(outcome, polls < foldedPolls ? "not replayed" : "agrees");
    }),
  );
});

/** 50 requests per second at 10%, as the counts of a poll every 15s. */
const steady = (failed: readonly number[]): readonly Poll[] =>
  failed.map((errors, index) => ({
    weight: 10,
    age: (index + 1) * 15_000,
    from: index * 15_000,
    stable: { requests: 675, errors: 0, buckets: [] },
    canary: { requests: 75, errors, buckets: [] },
    lost: 0,
  }));

test("the replay says after which poll something else followed", () => {
  const { changes } = replayLedger(released(steady([0, 0, 0, 75, 75]), evidenceRules));
  assert.deepEqual(changes, [
    { poll: 1, weight: 10, age: 15_000, from: "nothing", to: "sound" },
    { poll: 4, weight: 10, age: 60_000, from: "sound", to: "broken" },
  ]);
});

test("a count that somebody changed is found, and so is a verdict", () => {
  const report = released(steady([0, 1, 0]), evidenceRules);
  const forged = {
    ...report,
    ledger: {
      ...report.ledger,
      polls: report.ledger.polls.map((line, index) => (index === 1 ? line.replace(/75 1$/, "75 0") : line)),
    },
  };
  assert.notDeepEqual(forged.ledger, report.ledger);
  const { stages, agrees } = replayLedger(forged);
  assert.equal(agrees, false);
  const found = stages.map((stage) => (stage.outcome === "differs" ? stage.differences : stage.outcome));
  assert.equal(found[0], "agrees");
  for (const differences of found.slice(1))
    assert.ok(differences.includes("seen.errors.canary") && differences.includes("weight.sound"), String(differences));

  const [first, ...others] = report.stages;
  const changed = first?.verdicts.map((verdict) => ({ ...verdict, kind: "fail" as const }));
  const retold = replayLedger({
    ...report,
    stages: [{ ...(first ?? assert.fail()), verdicts: changed ?? [] }, ...others],
  });
  assert.deepEqual([retold.agrees, outcomes(retold)], [false, ["differs", "agrees", "agrees"]]);
});

/** Every value in plain JSON, by its path. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The same with another value at the path. */
function withChange<T>(value: T, [key, ...rest]: readonly string[]): T {
  if (key === undefined) return (typeof value === "number" ? value + 1 : "another") as T;
  const fields = value as Readonly<Record<string, unknown>>;
  return { ...fields, [key]: withChange(fields[key], rest) } as T;
}

test("no part of a verdict can be changed without being found", () => {
  const report = stored(released(steady([0, 75]), { ...evidenceRules, inconclusive: "hold" }));
  const [first, last] = report.stages;
  const [verdict] = last?.verdicts ?? [];
  assert.ok(first && last && verdict);
  const paths = leavesOf(verdict).filter(([key]) => key !== "gate" && key !== "figures");
  const figures = leavesOf(verdict.figures).filter(([key]) => key !== "of");
  assert.ok(figures.length > 30, `${figures.length}`);
  for (const path of [...paths, ...figures.map((path) => ["figures", ...path])]) {
    const verdicts = [withChange(verdict, path)];
    const { stages } = replayLedger({ ...report, stages: [first, { ...last, verdicts }] });
    const name = path.filter((key) => key !== "figures" && key !== "conclusion").join(".");
    assert.deepEqual(stages[1]?.outcome === "differs" && stages[1].differences, [name]);
  }
  for (const [field, value] of [
    ["policy", "hold"],
    ["proven", true],
  ]) {
    const verdicts = [{ ...verdict, [String(field)]: value }];
    const { stages } = replayLedger({ ...report, stages: [first, { ...last, verdicts }] });
    assert.deepEqual(stages[1]?.outcome === "differs" && stages[1].differences, [field]);
  }
});

test("a verdict on polls that the ledger does not have is no agreement", () => {
  const report = released(steady([0, 0]), evidenceRules);
  const { stages, agrees } = replayLedger({
    ...report,
    ledger: { ...report.ledger, polls: report.ledger.polls.slice(0, 1) },
  });
  assert.equal(agrees, false);
  assert.deepEqual(stages[1], {
    stage: 0,
    name: "10%",
    weight: 10,
    polls: 2,
    outcome: "missing",
    ledger: 1,
  });
});

test("a stage without the gate, one that was never judged, and one without Prometheus have nothing to replay", () => {
  const blind: EvidenceVerdict = {
    ...{ gate: "evidence", kind: "no-data" },
    figures: { of: "evidence", missing: { what: "counters", words: "no answer" } },
  };
  const stage = { stage: 0, name: "5%", weight: 5, polls: 0 };
  const plan = {
    evidence: evidenceRules,
    stages: [{ gates: [gate] }, { gates: [{ kind: "restarts", name: "restarts" }] }],
  };
  const { stages, agrees } = replayLedger({
    plan,
    stages: [
      { ...stage, verdicts: [] },
      { ...stage, verdicts: [blind] },
      { ...stage, stage: 1, verdicts: [] },
    ],
    ledger: emptyLedger,
  });
  assert.deepEqual(
    stages.map((stage) => (stage.outcome === "not replayed" ? stage.why : stage.outcome)),
    [{ kind: "not-judged" }, { kind: "blind", verdict: blind }, { kind: "no-gate" }],
  );
  assert.ok(agrees);
});
