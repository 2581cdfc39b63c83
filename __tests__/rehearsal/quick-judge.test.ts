import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import { quickJudge } from "../../src/rehearsal/quick-judge.ts";
import type { EvidenceRules, Policy } from "../../src/release/gate.ts";
import { judge, type Seen } from "../../src/release/judge.ts";
import { evidenceRules } from "../support/evidence-rules.ts";

const gate = { kind: "evidence", name: "evidence" } as const;
const policy = fc.constantFrom<Policy>("extend", "hold", "promote", "fail");

const rules: fc.Arbitrary<EvidenceRules> = fc
  .record({
    inconclusive: policy,
    noData: policy,
    requires: fc.constantFrom("sound" as const, "safe" as const),
    warmUp: fc.constantFrom(0, 60_000),
  })
  .map(({ inconclusive, noData, ...settings }) => ({
    ...evidenceRules,
    inconclusive,
    noData,
    settings: { ...evidenceRules.settings, ...settings },
  }));

/** Rates that lead to every finding within a few polls: no traffic, too much, too little, good, bad and dead canaries. */
const version = fc.record({
  requests: fc.constantFrom(0, 1, 20, 400, 5_000),
  failing: fc.constantFrom(0, 0.01, 0.2, 1),
});
const course = fc.record({
  stable: version,
  canary: version,
  lost: fc.constantFrom(0, 0, 500),
  polls: fc.integer({ min: 0, max: 8 }),
});

test("without words every gate of evidence is answered as with them", () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(course, rules, ({ stable, canary, lost, polls }, rules) => {
      const counted = ({ requests, failing }: typeof stable) => ({
        requests,
        errors: Math.round(requests * failing),
        buckets: [],
      });
      let evidence = noEvidence;
      for (let poll = 1; poll <= polls; poll++)
        evidence = addPoll(
          evidence,
          { weight: 10, age: poll * 15_000, stable: counted(stable), canary: counted(canary), lost },
          rules.settings,
        );
      const seen: Seen = { evidence, readings: new Map() };
      const inWords = judge(gate, seen, rules);
      const quick = quickJudge()(gate, seen, rules);
      kinds.add(`${inWords.kind} ${inWords.proven ?? ""}`);
      assert.deepEqual(
        [quick.kind, quick.policy, quick.proven],
        [inWords.kind, inWords.policy, inWords.proven],
        inWords.because,
      );
    }),
    { numRuns: 1_000, seed: 1 },
  );
  assert.deepEqual([...kinds].sort(), ["fail ", "no-data ", "pass false", "pass true", "wait "]);
});

test("a newer look is judged anew, and a Prometheus that does not answer is no evidence", () => {
  const quick = quickJudge();
  const after = (errors: number) => {
    const poll = {
      weight: 10,
      age: 15_000,
      stable: { requests: 900, errors: 0, buckets: [] },
      canary: { requests: 100, errors, buckets: [] },
      lost: 0,
    };
    return addPoll(noEvidence, poll, evidenceRules.settings);
  };
  const good = after(0);
  assert.equal(quick(gate, { evidence: good, readings: new Map() }, evidenceRules).kind, "pass");
  assert.equal(quick(gate, { evidence: after(100), readings: new Map() }, evidenceRules).kind, "fail");
  assert.equal(
    quick(gate, { evidence: good, uncounted: "no answer", readings: new Map() }, evidenceRules).kind,
    "no-data",
  );
});

test("other gates are judged as ever", () => {
  const errors = { kind: "errors", name: "errors", atMost: 0.05, minRequests: 1, noData: "wait" } as const;
  const none = { requests: 0, errors: 0, buckets: [] };
  const seen: Seen = {
    evidence: noEvidence,
    tally: { stable: none, canary: { requests: 10, errors: 1, buckets: [] }, unattributed: none },
    readings: new Map(),
  };
  assert.deepEqual(quickJudge()(errors, seen, evidenceRules), judge(errors, seen, evidenceRules));
});
