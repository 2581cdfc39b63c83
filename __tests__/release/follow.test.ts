import assert from "node:assert/strict";
import test from "node:test";
import { noEvidence } from "../../src/evidence/evidence.ts";
import type { Count } from "../../src/evidence/tally.ts";
import type { Decision } from "../../src/release/decision.ts";
import { follow, stumbled } from "../../src/release/follow.ts";
import type { Health } from "../../src/release/health.ts";
import type { BakingLook, Observation } from "../../src/release/observation.ts";
import type { Reason } from "../../src/release/reason.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { Baking } from "../../src/release/state.ts";
import type { GateVerdict } from "../../src/release/verdict.ts";
import { createWorld, planOf, second } from "../support/world.ts";

const baking: Baking = { phase: "baking", stage: 0, since: 0, putBacks: 0 };
const routed: Decision = {
  ...{ do: "route", to: { stable: 95, canary: 5 }, next: baking },
  reason: { kind: "giving-weight", weight: 5 },
};
const goesOn: Decision = {
  do: "wait",
  until: 5 * second,
  reason: { kind: "stage-goes-on", stage: "5%", left: second },
};

const count = (requests: number, errors: number): Count => ({
  requests,
  errors,
  buckets: [
    { le: 250, count: requests },
    { le: Infinity, count: requests },
  ],
});
const look: BakingLook = {
  ...{ phase: "baking", drift: undefined, evidence: { ...noEvidence, polls: 3 }, readings: new Map() },
  canary: { ready: true, desired: 1, available: 1, restarts: 0, because: "" },
  counts: { tally: { stable: count(95, 1), canary: count(5, 2), unattributed: count(1, 1) } },
  served: { stable: 90, canary: 4 },
};
const at = (now: number, more: Partial<BakingLook> = {}): Observation => ({
  now,
  deadlineAt: Infinity,
  look: { ...look, ...more },
});

const begun = await createWorld(planOf()).begin();
const shifting: ReleaseRecord = { ...begun, state: { phase: "shifting", step: "routing", stage: 0, since: 0 } };
const inStage = follow(shifting, routed, {
  now: 0,
  deadlineAt: Infinity,
  look: { phase: "shifting", canary: undefined, counted: undefined },
});
const promoting = { phase: "promoting", step: "updating", since: 0 } as const;
const stageOf = (record: ReleaseRecord) => record.stages.at(-1) ?? assert.fail();
const verdict = (gate: string, kind: GateVerdict["kind"]): GateVerdict => ({
  gate,
  kind,
  figures: { of: "restarts", restarts: 0, allowed: 0 },
});

test("a weight that is written opens its stage, and one that is put back does not", () => {
  assert.deepEqual(
    inStage.stages.map(({ stage, name, weight, since, until }) => [stage, name, weight, since, until]),
    [[0, "5%", 5, 0, undefined]],
  );
  const putBack: Decision = { ...routed, next: { ...baking, putBacks: 1 } };
  assert.equal(follow(inStage, putBack, at(second)).stages.length, 1);
});

test("a stage has the newest counts, without histograms: they would only fill the journal", () => {
  const { tally, served } = stageOf(follow(inStage, goesOn, at(second)));
  for (const [version, requests, errors] of [
    ["stable", 95, 1],
    ["canary", 5, 2],
    ["unattributed", 1, 1],
  ] as const)
    assert.deepEqual(tally[version], { requests, errors, buckets: [] });
  assert.deepEqual(served, look.served);
});

test("counters that could not be read, and a look that failed, leave a stage's counts as they were", () => {
  const before = follow(inStage, goesOn, at(second));
  const blind = follow(before, goesOn, at(2 * second, { counts: { uncounted: "no answer" }, served: undefined }));
  assert.deepEqual(stageOf(blind), stageOf(before));
  const failed = { now: 2 * second, deadlineAt: Infinity, trouble: { words: "no answer", lasting: false, since: 0 } };
  assert.deepEqual(stageOf(follow(before, goesOn, failed)), stageOf(before));
});

test("a gate that was not asked keeps its answer, and a verdict says on how many polls it rests", () => {
  const first = follow(inStage, { ...goesOn, verdicts: [verdict("a", "wait"), verdict("b", "pass")] }, at(second));
  const again = follow(first, { ...goesOn, verdicts: [verdict("b", "fail")] }, at(second));
  assert.deepEqual(
    stageOf(again).verdicts.map(({ gate, kind }) => [gate, kind]),
    [
      ["a", "wait"],
      ["b", "fail"],
    ],
  );
  assert.equal(stageOf(again).polls, 3);
});

test("a stage that is left has its end, and nothing that comes later changes it", () => {
  const passed: Decision = {
    ...{ do: "nothing", next: { phase: "shifting", step: "scaling", stage: 1, since: 20 * second } },
    reason: { kind: "stage-passed", stage: "5%" },
  };
  const left = follow(inStage, passed, at(20 * second));
  assert.equal(stageOf(left).until, 20 * second);
  const scaled: Decision = { ...passed, reason: { kind: "making-room", weight: 25 } };
  assert.deepEqual(follow(left, scaled, at(25 * second)).stages, left.stages);
});

test("what is waited for is no entry of the log, and of more than 200 entries the newest are kept", () => {
  assert.equal(follow(inStage, goesOn, at(second)).log.length, inStage.log.length);
  let record = inStage;
  for (let entry = 1; entry <= 205; entry++)
    record = follow(record, { ...routed, reason: { kind: "giving-weight", weight: entry } }, at(entry));
  assert.equal(record.log.length, 200);
  assert.deepEqual([record.log[0]?.at, record.log.at(-1)?.at], [6, 205]);
  const failed = stumbled(record, { words: "no answer", lasting: false }, 206);
  assert.deepEqual([failed.log.length, failed.log[0]?.at, failed.log.at(-1)?.at], [200, 7, 206]);
});

test("the same failure again is counted, and one that lasts is told as why the release goes back", () => {
  const failure = { words: "no answer", lasting: false };
  const once = stumbled(inStage, failure, 1);
  const reason: Reason = { kind: "trying-again", words: "no answer" };
  assert.deepEqual(once.log.at(-1), { at: 1, do: "retry", reason });
  assert.deepEqual(stumbled(stumbled(once, failure, 2), failure, 3).log, [
    ...once.log.slice(0, -1),
    { at: 1, do: "retry", reason, times: 3 },
  ]);
  assert.equal(stumbled(JSON.parse(JSON.stringify(once)), failure, 2).log.length, once.log.length);
  assert.equal(stumbled(once, { ...failure, words: "no such host" }, 2).log.length, once.log.length + 1);
  assert.equal(stumbled(inStage, { ...failure, lasting: true }, 1), inStage);
  const promoting: ReleaseRecord = { ...inStage, state: { phase: "promoting", step: "finishing", since: 0 } };
  assert.equal(stumbled(promoting, { ...failure, lasting: true }, 1).log.length, promoting.log.length + 1);
});

test("the image of a stable that somebody changed is written down when it is replaced, and not what replaced it", () => {
  const replacing = [
    { do: "update-stable", next: promoting, reason: { kind: "updating-stable" } },
    { do: "finish", winner: "canary", next: promoting, reason: { kind: "promoted", winner: "canary" } },
  ] as const satisfies readonly Decision[];
  const stable = { ready: true, desired: 1, available: 1, restarts: 0, because: "" };
  const after = (decision: Decision, seen: Partial<Health>) => {
    const look = { phase: "promoting", stable: { ...stable, ...seen } } as const;
    const record: ReleaseRecord = { ...begun, state: promoting, judged: { image: "v2", digests: {} } };
    return follow(record, decision, { now: 0, deadlineAt: Infinity, look }).replaced;
  };
  for (const decision of replacing) {
    assert.equal(after(decision, { untouched: false, image: "v1-patch" }), "v1-patch");
    assert.equal(after(decision, { untouched: true, image: "v1" }), undefined);
    assert.equal(after(decision, { untouched: false, image: "v2" }), undefined);
  }
});

test("what gates say while the cluster cannot be read is the stage's, too", () => {
  const dark: Observation = {
    now: 5 * second,
    deadlineAt: Infinity,
    trouble: { words: "no answer", lasting: false, since: 0 },
    counted: { counts: look.counts, evidence: look.evidence, readings: new Map() },
  };
  const seen = stageOf(follow(inStage, { ...goesOn, verdicts: [verdict("errors", "fail")] }, dark));
  assert.deepEqual(seen.verdicts, [verdict("errors", "fail")]);
  assert.equal(seen.tally.canary.requests, 5);
  assert.equal(seen.polls, 3);
});

test("what programs printed is kept of the newest stage that has some, and of none before", () => {
  const readings = new Map([["smoke", [{ at: 1, output: "all is well" }]]]);
  const first = follow(inStage, goesOn, at(second, { readings }));
  assert.deepEqual(stageOf(first).outputs, { smoke: "all is well" });
  const next = { ...first, stages: [...first.stages, { ...stageOf(inStage), stage: 1 }] };
  const silent = follow({ ...next, state: { ...baking, stage: 1 } }, goesOn, at(2 * second));
  assert.deepEqual(silent.stages[0]?.outputs, { smoke: "all is well" });
  const told = follow({ ...next, state: { ...baking, stage: 1 } }, goesOn, at(2 * second, { readings }));
  assert.deepEqual(
    told.stages.map(({ outputs }) => outputs),
    [undefined, { smoke: "all is well" }],
  );
});

test("why a stage was extended first is kept, once for each stage", () => {
  const extended = (gate: string): Decision => ({
    do: "wait",
    until: 5 * second,
    reason: { kind: "stage-extended", stage: "5%", verdict: verdict(gate, "wait") },
  });
  const gatesIn = ({ log }: ReleaseRecord) =>
    log.flatMap(({ at, reason }) => (reason.kind === "stage-extended" ? [[at, reason.verdict.gate]] : []));
  const first = follow(inStage, extended("errors"), at(20 * second));
  const again = follow(first, extended("latency"), at(25 * second));
  assert.deepEqual(gatesIn(again), [[20 * second, "errors"]]);
  const next: ReleaseRecord = { ...again, state: { ...baking, stage: 1, since: 30 * second } };
  assert.deepEqual(gatesIn(follow(next, extended("errors"), at(50 * second))), [
    [20 * second, "errors"],
    [50 * second, "errors"],
  ]);
});
