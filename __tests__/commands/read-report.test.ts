import assert from "node:assert/strict";
import test from "node:test";
import { readReport } from "../../src/commands/read-report.ts";
import { grounds } from "../../src/evidence/conclusion.ts";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import { append, emptyLedger, fold } from "../../src/evidence/ledger.ts";
import { policies } from "../../src/release/gate.ts";
import { judgeEvidence } from "../../src/release/judge.ts";
import type { EvidenceVerdict, GateVerdict } from "../../src/release/verdict.ts";
import { evidenceRules } from "../support/evidence-rules.ts";
import { planOf, stageOf, target } from "../support/world.ts";

const settings = { ...evidenceRules.settings, warmUp: 0, objective: 0.01 };
const evidence = { ...evidenceRules, settings, budget: 0.02 };

/** So long that it is folded, with a histogram whose edges are chosen. */
const ledger = (() => {
  const version = (requests: number) => ({
    requests,
    errors: 1,
    buckets: [10, 100, Infinity].map((le, index) => ({ le, count: requests - 20 + 10 * index })),
  });
  const poll = (index: number) => ({
    weight: 10,
    age: (index + 1) * 15_000,
    from: index * 15_000,
    stable: version(700),
    canary: version(80),
    lost: 1,
  });
  return fold(
    Array.from({ length: 500 }, (_, index) => poll(index)).reduce((ledger, each) => append(ledger, each), emptyLedger),
    settings,
  );
})();

const judged: EvidenceVerdict = { gate: "evidence", ...judgeEvidence(ledger.folded ?? assert.fail(), evidence) };
const { conclusion } = "conclusion" in judged.figures ? judged.figures : assert.fail();
const blind: EvidenceVerdict = {
  ...{ gate: "evidence", kind: "no-data" },
  figures: { of: "evidence", missing: { what: "counters", words: "Prometheus did not answer" } },
};
const verdicts: readonly GateVerdict[] = [judged, blind];

test("what stands in a report of a gate of somebody's own is not needed, but that it is one", () => {
  const own = ["errors", "latency", "query", "restarts", "budget"];
  const verdicts = own.map((of) => ({ gate: of, kind: "pass", figures: { of, restarts: 0, allowed: 0 } }));
  const stage = { stage: 0, name: "10%", weight: 10, polls: 1, verdicts };
  const account = { target, plan: planOf({ stages: [stageOf(10)] }), stages: [stage], ledger: emptyLedger };
  assert.deepEqual(
    readReport(JSON.stringify({ version: 1, account }), "r.json").stages[0]?.verdicts,
    own.map((of) => ({ gate: of, kind: "pass", figures: { of } })),
  );
});

test("a report is read whole, as far as a replay needs it: folded evidence, settings and verdicts lose nothing", () => {
  assert.ok(ledger.folded?.latency.edges && ledger.folded.split.weight === 10);
  const stage = { stage: 0, name: "10%", weight: 10, polls: 500, verdicts };
  const account = {
    target,
    plan: { ...planOf({ stages: [stageOf(10)] }), evidence },
    stages: [stage],
    ledger,
    because: "",
    warnings: [],
  };
  const read = readReport(JSON.stringify({ version: 1, account }), "r.json");
  assert.deepEqual(read.ledger, ledger);
  assert.deepEqual(read.plan.evidence, evidence);
  assert.deepEqual(read.stages, JSON.parse(JSON.stringify([stage])));
  assert.deepEqual(read.plan.stages, [{ gates: [{ kind: "errors", name: "errors" }] }]);
});

test("verdicts by whatever can decide, and with whatever policy, can be read", () => {
  const all = grounds.flatMap((by) =>
    policies.map(
      (policy): GateVerdict => ({
        ...{ gate: "evidence", kind: "wait", policy },
        figures: { of: "evidence", conclusion: { ...conclusion, by } },
      }),
    ),
  );
  const stage = { stage: 0, name: "10%", weight: 10, polls: 1, verdicts: all };
  const account = { target, plan: planOf({ stages: [stageOf(10)] }), stages: [stage], ledger: emptyLedger };
  const read = readReport(JSON.stringify({ version: 1, account }), "r.json");
  assert.deepEqual(read.stages, JSON.parse(JSON.stringify([stage])));
});

test("evidence before its first poll, and without a histogram, can be read as well", () => {
  const account = { target, plan: planOf({ stages: [] }), stages: [], ledger: { ...emptyLedger, folded: noEvidence } };
  assert.deepEqual(readReport(JSON.stringify({ version: 1, account }), "r.json").ledger.folded, noEvidence);
  const none = { requests: 0, errors: 0, buckets: [] };
  const folded = addPoll(noEvidence, { weight: 1, age: 0, from: 0, stable: none, canary: none, lost: 0 }, settings);
  const read = readReport(
    JSON.stringify({ version: 1, account: { ...account, ledger: { ...emptyLedger, folded } } }),
    "r.json",
  );
  assert.deepEqual(read.ledger.folded, folded);
});
