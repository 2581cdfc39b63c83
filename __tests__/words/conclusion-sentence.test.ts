import assert from "node:assert/strict";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { conclusionFigures } from "../../src/words/conclusion-figures.ts";
import { conclusionNumbers } from "../../src/words/conclusion-numbers.ts";
import { conclusionSentence } from "../../src/words/conclusion-sentence.ts";

const counted = (requests: number, errors: number, slow = 0): Count => ({
  requests,
  errors,
  buckets: [
    { le: 250, count: requests - slow },
    { le: Infinity, count: requests },
  ],
});
const poll = (weight: number, canary: Count, stable: Count, age = defaults.warmUp): Poll => ({
  weight,
  age,
  from: age - defaults.scrape,
  canary,
  stable,
  lost: 0,
});
const after = (polls: readonly Poll[], settings: Settings = defaults) => {
  const conclusion = conclude(
    polls.reduce((evidence, next) => addPoll(evidence, next, settings), noEvidence),
    settings,
  );
  return {
    ...conclusion,
    ...conclusionFigures(conclusion),
    because: conclusionSentence(conclusion),
    numbers: conclusionNumbers(conclusion),
  };
};
const times = (count: number, one: Poll): readonly Poll[] =>
  Array.from({ length: count }, (_, index) => {
    const later = index * defaults.scrape;
    return { ...one, age: one.age + later, from: one.from + later };
  });

test("harm is told by what failed on both versions, and how seldom chance does that; no ratio to a stable without failures", () => {
  const { kind, by, because, numbers } = after(times(5, poll(10, counted(19, 4), counted(181, 0))));
  assert.deepEqual([kind, by], ["fail", "errors"]);
  assert.equal(
    because,
    "over all stages, 21.1% of the canary's requests failed (20 of 95), none of stable's 905; chance does this less than once in a million releases",
  );
  assert.match(
    numbers,
    /^all stages, after the warm-up: failed 20 of 95 of canary \(21\.1%\), 0 of 905 of stable \(0%\) · ratio at least 20 · harm E = over 1,000,000 of 20 \(errors over 1,000,000, latency 1\) · safe E = 0\.0\d+ of 20 · /,
  );
  assert.match(
    numbers,
    / · sound E = 0\.0\d+ of 20 · breaker E = \S+ of 20 over 95 requests · split 9\.5%, planned 10% · 5 polls$/,
  );
});

test("plain failure while warming up is told without a comparison", () => {
  const { kind, by, because } = after([poll(5, counted(9, 6), counted(171, 0), 15_000)]);
  assert.deepEqual([kind, by], ["fail", "breaker"]);
  assert.equal(
    because,
    "over all stages, 66.7% of the canary's requests failed (6 of 9), none of stable's 171: plainly broken (more than 10%); chance does this less than once in 1,200 releases",
  );
});

test("a slow canary is told by the edge where it shows", () => {
  const { kind, by, because } = after(times(12, poll(10, counted(100, 1, 20), counted(900, 9, 45))));
  assert.deepEqual([kind, by], ["fail", "latency"]);
  assert.equal(
    because,
    "the canary is slower: over all stages, 20% of the canary's requests took longer than 250ms (220 of 1,100), 5% of stable's 9,900; chance does this less than once in a million releases",
  );
});

test("a broken promise is told with the objective", () => {
  const settings = { ...defaults, objective: 0.01 };
  const { by, because } = after(times(8, poll(10, counted(100, 5), counted(900, 45))), settings);
  assert.equal(by, "objective");
  assert.equal(
    because,
    "over all stages, 5% of the canary's requests failed (40 of 800): more than the objective of 1% allows; chance does this less than once in a million releases",
  );
});

test("a split that is not as planned is told with both shares", () => {
  const more = after(times(20, poll(5, counted(200, 0), counted(800, 0))));
  assert.deepEqual([more.kind, more.by], ["fail", "split"]);
  assert.match(
    more.because,
    /^the canary got 20% of the requests \(3,800 of 19,000\) where 5% was planned: too much; chance does this less than once in 1,000 releases\./,
  );
  const less = after(times(20, poll(50, counted(400, 0), counted(1_600, 0))));
  assert.deepEqual([less.kind, less.by], ["inconclusive", "split"]);
  assert.match(
    less.because,
    /^the canary got 20% of the requests \(7,600 of 38,000\) where 50% was planned: too little; /,
  );
});

test("safety is told by the most that the ratio can be, or by the share that failures stay below", () => {
  const many = after(times(20, poll(50, counted(2_000, 20), counted(2_000, 20))));
  assert.equal(many.kind, "pass");
  assert.match(
    many.because,
    /^over all stages, 1% of the canary's requests failed \(400 of 40,000\), 1% of stable's 40,000: proven safe, at most 1\.\d times as often as stable$/,
  );
  const none = after(times(4, poll(50, counted(2_000, 0), counted(2_000, 0))));
  assert.equal(
    none.because,
    "over all stages, none of the canary's requests failed (0 of 8,000), none of stable's 8,000: proven safe, less than 2 times as often as stable, or below 0.1%",
  );
});

test("where response times were not judged, the verdict says so beside what it says", () => {
  const untimed = (requests: number): Count => ({ requests, errors: 0, buckets: [] });
  const bare = after(times(4, poll(50, untimed(2_000), untimed(2_000))));
  assert.match(bare.because, /or below 0\.1%; response times were not judged: none were counted$/);
  const beyond = after(times(4, poll(50, counted(2_000, 0, 2_000), counted(2_000, 0, 2_000))));
  assert.match(beyond.because, /; response times were not judged: most of stable's are beyond the last edge/);
});

test("what is not proven yet is told as such, with the range that is left", () => {
  const { kind, because } = after(times(2, poll(10, counted(20, 1), counted(180, 9))));
  assert.equal(kind, "inconclusive");
  assert.match(
    because,
    /^over all stages, 5% of the canary's requests failed \(2 of 40\), 5% of stable's 360: too few to judge, about 40 more without a failure would do$/,
  );
});

test("a canary that is surely not broken passes with words that claim no more, or not where safety is asked for", () => {
  const polls = times(2, poll(10, counted(100, 1), counted(900, 9)));
  const { kind, because } = after(polls);
  assert.equal(kind, "pass");
  assert.match(
    because,
    /^over all stages, 1% of the canary's requests failed \(2 of 200\), 1% of stable's 1,800: no sign of harm; a broken version \(10% failing\) is ruled out, up to 6 times stable's failures are not$/,
  );
  assert.equal(after(polls, { ...defaults, requires: "safe" }).kind, "inconclusive");
  const warmed = after([
    poll(10, counted(100, 0), counted(900, 0), 30_000),
    poll(10, counted(100, 0), counted(900, 0)),
  ]);
  assert.equal(
    warmed.because,
    "over all stages, none of the canary's requests failed (0 of 100), none of stable's 900: no sign of harm; a broken version (10% failing) is ruled out, small differences are not",
  );
  const young = after([poll(10, counted(100, 1), counted(900, 9), 30_000)]);
  assert.equal(
    young.because,
    "over all stages, 1% of the canary's requests failed (1 of 100): a broken version (10% failing) is ruled out, and too little was counted to compare it with stable",
  );
});

test("a stage that only waits for response times to be compared says so", () => {
  const { kind, by, because } = after([poll(20, counted(200, 0), counted(800, 0))]);
  assert.deepEqual([kind, by], ["inconclusive", "latency"]);
  assert.equal(
    because,
    "over all stages, none of the canary's requests failed (0 of 200), none of stable's 800: too few response times to compare (0 of 20)",
  );
});

test("requests for the canary that fail before they reach a pod fail the release", () => {
  const { kind, by, because } = after(times(6, { ...poll(10, counted(0, 0), counted(90, 0)), lost: 10 }));
  assert.deepEqual([kind, by], ["fail", "lost"]);
  assert.equal(
    because,
    "the canary got 0% of the requests (0 of 500) where 10% was planned, while 50 requests of the service failed without reaching a pod: those meant for the canary; chance does this less than once in 1,000 releases",
  );
});

test("a table shows the figure that decides and what it is held against", () => {
  const shown = ({ value, limit }: ReturnType<typeof after>): readonly string[] => [value, limit];
  assert.deepEqual(shown(after(times(5, poll(10, counted(19, 4), counted(181, 0))))), ["21.1% failed", "stable 0%"]);
  assert.deepEqual(shown(after(times(12, poll(10, counted(100, 1, 20), counted(900, 9, 45))))), [
    "20% slower than 250ms",
    "stable 5%",
  ]);
  assert.deepEqual(shown(after(times(20, poll(5, counted(200, 0), counted(800, 0))))), [
    "20% of requests",
    "planned 5%",
  ]);
  assert.deepEqual(shown(after([poll(5, counted(9, 6), counted(171, 0), 15_000)])), ["66.7% failed", "≤ 10%"]);
  assert.deepEqual(
    shown(after(times(8, poll(10, counted(100, 5), counted(900, 45))), { ...defaults, objective: 0.01 })),
    ["5% failed", "≤ 1%"],
  );
  assert.deepEqual(shown(after([])), ["—", "stable"]);
});

test("no data is told as such: no request of the canary, none since it warmed up, none of stable", () => {
  const young = { ...poll(5, counted(0, 0), counted(905, 3)), age: 15_000 };
  assert.deepEqual(
    [after([young]).kind, after([young]).because],
    ["no-data", "no request of the canary counted yet (stable: 905)"],
  );
  const late = after([poll(5, counted(10, 0), counted(190, 0), 15_000), poll(5, counted(0, 0), counted(190, 0))]);
  assert.deepEqual(
    [late.kind, late.because],
    ["no-data", "no request of the canary counted since it warmed up (stable: 190)"],
  );
  const alone = after([poll(5, counted(30, 1), counted(0, 0))]);
  assert.deepEqual(
    [alone.kind, alone.because],
    [
      "no-data",
      "no request of stable counted, so nothing can be compared; over all stages, 3.33% of the canary's requests failed (1 of 30)",
    ],
  );
  assert.equal(after([]).kind, "no-data");
});

test("a canary that warms up is told how long it still does", () => {
  const { kind, because } = after([poll(5, counted(40, 2), counted(760, 5), 45_000)]);
  assert.equal(kind, "inconclusive");
  assert.equal(
    because,
    "warming up for 1m15s more, until then only plain failure counts: over all stages, 5% of the canary's requests failed (2 of 40)",
  );
});

test("the numbers name the dispersion that evidence was divided by", () => {
  const settings: Settings = { ...defaults, dispersion: { kind: "tempered", phi: 2.5 } };
  assert.match(after(times(3, poll(10, counted(100, 3), counted(900, 9))), settings).numbers, / · φ 2\.5 · 3 polls$/);
});
