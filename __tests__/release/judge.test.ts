import assert from "node:assert/strict";
import test from "node:test";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import { type Count, emptyTally, type Tally } from "../../src/evidence/tally.ts";
import type { AskedGate, ErrorGate, Gate, JsonGate, LatencyGate, QueryGate, RunGate } from "../../src/release/gate.ts";
import { judge, type StageEvidence } from "../../src/release/judge.ts";
import type { Reading } from "../../src/release/observation.ts";
import { isDue } from "../../src/release/question.ts";
import type { Verdict } from "../../src/release/verdict.ts";
import { verdictSentence } from "../../src/words/verdict-sentence.ts";
import { evidenceRules } from "../support/evidence-rules.ts";

const count = (requests: number, errors: number, buckets: readonly [number, number][] = []): Count => ({
  requests,
  errors,
  buckets: buckets.map(([le, count]) => ({ le, count })),
});
const tally = (canary: Count, stable: Count = count(1_000, 10), lost = 0): Tally => ({
  stable,
  canary,
  unattributed: count(lost, lost),
});
const healthy = { ready: true, desired: 1, available: 1, restarts: 0, because: "" };
const seen = (more: Partial<StageEvidence>): StageEvidence => ({
  counts: { tally: emptyTally },
  evidence: noEvidence,
  readings: new Map(),
  canary: healthy,
  early: false,
  ...more,
});
const counted = (...of: Parameters<typeof tally>): StageEvidence => seen({ counts: { tally: tally(...of) } });
const blind = seen({ counts: { uncounted: "Prometheus is away" } });
const readings = (...values: (number | undefined)[]): StageEvidence =>
  seen({
    readings: new Map([
      ["cpu", values.map((value, at): Reading => (value === undefined ? { at, because: "0/0" } : { at, value }))],
    ]),
  });

const errors: ErrorGate = { kind: "errors", name: "errors", atMost: 0.02, minRequests: 50, noData: "wait" };
const compared: ErrorGate = { kind: "errors", name: "errors", aboveStable: 0.01, minRequests: 50, noData: "wait" };
const latency: LatencyGate = {
  kind: "latency",
  name: "p90",
  quantile: 0.9,
  atMost: 250,
  minRequests: 10,
  noData: "wait",
};
const slower: LatencyGate = {
  kind: "latency",
  name: "p90",
  quantile: 0.9,
  timesStable: 1.5,
  minRequests: 10,
  noData: "wait",
};
const query: QueryGate = { kind: "query", name: "cpu", query: "q", atMost: 0.8, tolerate: 0, noData: "wait" };
const tolerant: QueryGate = { ...query, tolerate: 2 };
const fast: Count = count(100, 0, [
  [100, 95],
  [250, 100],
  [Infinity, 100],
]);
const slow: Count = count(100, 0, [
  [100, 10],
  [250, 50],
  [500, 100],
  [Infinity, 100],
]);
const beyond: Count = count(100, 0, [
  [100, 0],
  [250, 0],
  [Infinity, 100],
]);

const table: readonly (readonly [string, Gate, StageEvidence, string, RegExp])[] = [
  ["errors below the limit pass", errors, counted(count(100, 2)), "pass", /2 of 100 .*2%.*limit ≤ 2%/],
  ["errors above the limit fail", errors, counted(count(100, 3)), "fail", /3 of 100/],
  ["too few requests wait, however bad", errors, counted(count(49, 49)), "wait", /50 requests are needed/],
  ["no request is no data, never a pass", errors, counted(count(0, 0)), "no-data", /no request/],
  [
    "failures that found no pod are the canary's when it hardly gets a request",
    errors,
    counted(count(3, 3), undefined, 50),
    "fail",
    /3 requests reached the canary, while 50 /,
  ],
  [
    "… and when it gets none, whatever is done without data",
    errors,
    counted(count(0, 0), undefined, 50),
    "fail",
    /0 requests reached the canary/,
  ],
  ["a few of them prove nothing", errors, counted(count(3, 3), undefined, 49), "wait", /50 requests are needed/],
  [
    "a canary that gets its requests is judged by those",
    errors,
    counted(count(50, 1), undefined, 500),
    "pass",
    /1 of 50/,
  ],
  ["no counters are no data", errors, seen({}), "no-data", /no request/],
  [
    "counters that could not be read are no data, for the reason given",
    errors,
    blind,
    "no-data",
    /no data: Prometheus is away/,
  ],
  ["… and no response times", latency, blind, "no-data", /no data: Prometheus is away/],
  ["… but not before there could be any", { ...errors, noData: "fail" }, seen({ early: true }), "no-data", /no data/],
  ["no data fails where the gate says so", { ...errors, noData: "fail" }, seen({}), "fail", /no data/],
  ["stable's own errors are allowed for", compared, counted(count(100, 2)), "pass", /stable 1%/],
  ["more than stable's and the margin fails", compared, counted(count(100, 3)), "fail", /limit ≤ 2%/],
  ["the stricter of two limits counts", { ...errors, aboveStable: 0.5 }, counted(count(100, 3)), "fail", /≤ 2%/],
  ["a fast canary passes", latency, counted(fast), "pass", /p90 is 100ms over 100 requests/],
  ["a slow canary fails", latency, counted(slow), "fail", /500ms/],
  [
    "beyond the last edge it is more than that edge, whatever the limit",
    { ...latency, atMost: 10_000 },
    counted(beyond),
    "fail",
    /more than 250ms/,
  ],
  ["slower than stable by the factor fails", slower, counted(slow, fast), "fail", /stable 100ms/],
  ["faster than stable passes", slower, counted(fast, slow), "pass", /limit ≤ 750ms/],
  ["without stable's times there is nothing to compare with", slower, counted(fast), "no-data", /compare/],
  ["without times there is no data", latency, counted(count(100, 0)), "no-data", /no response time/],
  [
    "and it is said why nobody measured any",
    latency,
    seen({ counts: { tally: tally(count(100, 0)), untimed: "Prometheus has no histogram" } }),
    "no-data",
    /no response time of the canary was counted: Prometheus has no histogram$/,
  ],
  ["a query within its limit passes", query, readings(0.9, 0.8), "pass", /cpu is 0.8, limit ≤ 0.8/],
  ["a query outside fails", query, readings(0.5, 0.81), "fail", /0.81/],
  [
    "below atLeast fails",
    { kind: "query", name: "cpu", query: "q", atLeast: 10, tolerate: 0, noData: "wait" },
    readings(9),
    "fail",
    /≥ 10/,
  ],
  ["tolerated polls wait", tolerant, readings(0.9, 0.9), "wait", /2 polls in a row/],
  ["one more fails", tolerant, readings(0.9, 0.9, 0.9), "fail", /3 polls in a row/],
  ["a good poll starts the count anew", tolerant, readings(0.9, 0.9, 0.1, 0.9), "wait", /1 poll in a row/],
  ["a query without an answer has no data, and says why", query, readings(0.1, undefined), "no-data", /0\/0/],
  ["a query that was never asked has no data", query, seen({}), "no-data", /not asked/],
  [
    "restarts above the limit fail",
    { kind: "restarts", name: "restarts", atMost: 0 },
    seen({ canary: { ...healthy, restarts: 1 } }),
    "fail",
    /restarted 1 time,/,
  ],
];

for (const [name, gate, what, kind, because] of table) {
  test(name, () => {
    const verdict = { gate: gate.name, ...judge(gate, what, evidenceRules) };
    const sentence = verdictSentence(verdict);
    assert.equal(verdict.kind, kind, sentence);
    assert.match(sentence, because);
    assert.equal(verdict.figures.of, gate.kind);
    assert.deepEqual(JSON.parse(JSON.stringify(verdict)), withoutUndefined(verdict), "it is plain JSON");
  });
}

test("a canary whose callers all leave fails whatever counts its requests", () => {
  const leaving = (givenUp: number): Count => ({ requests: 40, errors: 0, givenUp, buckets: [] });
  const evidence = addPoll(
    noEvidence,
    { weight: 50, age: 0, from: 0, stable: leaving(0), canary: leaving(40), lost: 0 },
    evidenceRules.settings,
  );
  for (const gate of [errors, latency, { kind: "evidence", name: "evidence" } as const]) {
    const what = { ...seen({ counts: { tally: tally(leaving(40), leaving(0)) } }), evidence };
    const verdict = judge(gate, what, evidenceRules);
    assert.equal(verdict.kind, "fail", gate.kind);
    assert.match(
      verdictSentence({ gate: gate.name, ...verdict }),
      /^100% of the canary's requests were given up by their callers \(40 of 40\), none of stable's 40, so it does not answer/,
    );
    assert.notEqual(judge(gate, { ...what, counts: { uncounted: "Prometheus is away" } }, evidenceRules).kind, "fail");
  }
});

/** As JSON has it: a field that is undefined is not there. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(fields.map(([key, inner]) => [key, withoutUndefined(inner)]));
}

/* Programs and URLs of one's own */

const run: RunGate = { kind: "run", name: "smoke", tolerate: 0, noData: "wait" };
const measured: RunGate = { ...run, atMost: 2 };
const json: JsonGate = { kind: "json", name: "smoke", every: 1, atMost: 2, tolerate: 0, noData: "wait" };
const exit = { kind: "exit", code: 3 } as const;

for (const [what, gate, answers, kind, words] of [
  ["a program that has not ended", run, [], "wait", "smoke: it is under way"],
  ["not even where no data fails", { ...run, noData: "fail" }, [], "wait", "smoke: it is under way"],
  ["a URL that has not answered", { ...json, noData: "fail" }, [], "wait", "smoke: it is under way"],
  ["a program that ended well", run, [{ at: 1 }], "pass", "smoke: the program ended well"],
  ["a program that failed", run, [{ at: 1, failure: exit }], "fail", "smoke: the program ended with exit code 3"],
  ["a failure beside a good number", measured, [{ at: 1, failure: exit, value: 1 }], "fail", "exit code 3"],
  ["a good number", measured, [{ at: 1, value: 1 }], "pass", "smoke is 1, limit ≤ 2"],
  ["a bad number", measured, [{ at: 1, value: 3 }], "fail", "smoke is 3, limit ≤ 2"],
  ["no number where one is wanted", measured, [{ at: 1 }], "no-data", "smoke has no data"],
  ["a program that cannot be started", run, [{ at: 1, because: "gone" }], "no-data", "smoke has no data: gone"],
  [
    "one failure of two that are tolerated",
    { ...run, tolerate: 1 },
    [{ at: 1, failure: exit }],
    "wait",
    "1 time in a row",
  ],
  [
    "a limit that was reached",
    run,
    [{ at: 1, failure: { kind: "limit", after: 60_000 } }],
    "fail",
    "did not end within 1m",
  ],
  ["a good number of a URL", json, [{ at: 1, value: 2 }], "pass", "smoke is 2, limit ≤ 2"],
  ["a bad number of a URL", json, [{ at: 1, value: 2.5 }], "fail", "smoke is 2.5, limit ≤ 2"],
  ["a URL without a number", json, [{ at: 1, because: "none" }], "no-data", "smoke has no data: none"],
] as const satisfies readonly (readonly [string, Gate, readonly Reading[], Verdict["kind"], string])[])
  test(`${what}: ${kind}`, () => {
    const verdict = judge(gate, { ...seen({}), readings: new Map([["smoke", answers]]) }, evidenceRules);
    assert.equal(verdict.kind, kind);
    assert.ok(verdictSentence({ gate: "smoke", ...verdict }).includes(words));
  });

for (const [what, gate, answer, kind, words] of [
  ["a program that ended well", run, { at: 1 }, "wait", "smoke: its answer is under way"],
  ["a good number of a URL", json, { at: 1, value: 1 }, "wait", "smoke: its answer is under way"],
  ["a bad number", json, { at: 1, value: 3 }, "fail", "smoke is 3, limit ≤ 2"],
  ["no number", json, { at: 1, because: "gone" }, "no-data", "smoke has no data: gone"],
] as const)
  test(`while a newer answer is under way, ${what} before it: ${kind}`, () => {
    const awaited = new Set(["smoke"]);
    const verdict = judge(gate, { ...seen({}), readings: new Map([["smoke", [answer]]]), awaited }, evidenceRules);
    assert.equal(verdict.kind, kind);
    assert.ok(verdictSentence({ gate: "smoke", ...verdict }).includes(words));
  });

const moment = { now: 100_000, pollEvery: 1_000, end: 500_000, settled: 100_000 };

for (const [what, gate, last, due] of [
  ["a program that was never run", run, undefined, true],
  ["one that passed", run, { at: 0 }, false],
  ["one that passed, and is to run every minute", { ...run, every: 60_000 }, { at: 0 }, true],
  ["before the minute is over", { ...run, every: 60_000 }, { at: 50_000 }, false],
  ["one that failed and is tolerated", run, { at: 98_000, failure: exit }, true],
  ["one without a number", measured, { at: 98_000 }, true],
  ["a number that is old enough", { ...json, every: 15_000 }, { at: 85_000, value: 1 }, true],
  ["a number that is not", { ...json, every: 15_000 }, { at: 85_001, value: 1 }, false],
] as const satisfies readonly (readonly [string, AskedGate, Reading | undefined, boolean])[])
  test(`asked again: ${what}: ${due}`, () => assert.equal(isDue(gate, last, moment), due));

test("no program is begun while requests may still meet the route before: it would pass on what stable answers", () => {
  const early = { ...moment, settled: moment.now + 1 };
  assert.deepEqual([isDue(run, undefined, early), isDue(json, undefined, early)], [false, true]);
});
