import assert from "node:assert/strict";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { conclusionFigures, conclusionNumbers, conclusionSentence } from "../../src/words/conclusion-sentence.ts";

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

test("harm is told by what failed on both versions, how many times as many at least, and the odds", () => {
  const { kind, by, because, numbers } = after(times(5, poll(10, counted(19, 4), counted(181, 0))));
  assert.deepEqual([kind, by], ["fail", "errors"]);
  assert.equal(
    because,
    "20 of 95 canary requests failed, 0 of 905 on stable in the same time: at least 20 times as many, odds of chance below 1 in 20",
  );
  assert.match(
    numbers,
    /^harm E = 10\^18 of 20 \(errors 10\^18, latency 1\) · safe E = 0\.0\d+ of 20 · ratio — \(at least 20 times as many\) · failed 21\.1 % of canary, 0 % of stable · /,
  );
  assert.match(
    numbers,
    / · sound E = 0\.0\d+ of 20 · breaker E = \S+ of 20 over 95 requests · split 9\.5 %, planned 10 % · 5 polls$/,
  );
});

test("plain failure while warming up is told without a comparison", () => {
  const { kind, by, because } = after([poll(5, counted(9, 6), counted(171, 0), 15_000)]);
  assert.deepEqual([kind, by], ["fail", "breaker"]);
  assert.equal(
    because,
    "6 of 9 canary requests failed: more than stops a release at once, odds of chance below 1 in 20",
  );
});

test("a slow canary is told by the edge where it shows", () => {
  const { kind, by, because } = after(times(12, poll(10, counted(100, 1, 20), counted(900, 9, 45))));
  assert.deepEqual([kind, by], ["fail", "latency"]);
  assert.equal(
    because,
    "220 of 1,100 canary requests took longer than 250 ms, 495 of 9,900 on stable in the same time: slower than stable, odds of chance below 1 in 20",
  );
});

test("a broken promise is told with the objective", () => {
  const settings = { ...defaults, objective: 0.01 };
  const { by, because } = after(times(8, poll(10, counted(100, 5), counted(900, 45))), settings);
  assert.equal(by, "objective");
  assert.equal(
    because,
    "40 of 800 canary requests failed: more than the objective of 1 % allows, odds of chance below 1 in 20",
  );
});

test("a split that is not as planned is told with both shares", () => {
  const more = after(times(20, poll(5, counted(200, 0), counted(800, 0))));
  assert.deepEqual([more.kind, more.by], ["fail", "split"]);
  assert.match(
    more.because,
    /^the canary got 20 % of 19,000 requests instead of 5 %: more than planned, odds of chance below 1 in 1,000/,
  );
  const less = after(times(20, poll(50, counted(400, 0), counted(1_600, 0))));
  assert.deepEqual([less.kind, less.by], ["inconclusive", "split"]);
  assert.match(less.because, /^the canary got 20 % of 38,000 requests instead of 50 %: less than planned/);
});

test("safety is told by the most that the ratio can be, or by the share that failures stay below", () => {
  const many = after(times(20, poll(50, counted(2_000, 20), counted(2_000, 20))));
  assert.equal(many.kind, "pass");
  assert.match(
    many.because,
    /^400 of 40,000 canary requests failed, 400 of 40,000 on stable in the same time: at most 1\.\d times as many, odds of chance below 1 in 20$/,
  );
  const none = after(times(4, poll(50, counted(2_000, 0), counted(2_000, 0))));
  assert.equal(
    none.because,
    "0 of 8,000 canary requests failed, 0 of 8,000 on stable in the same time: either less than 2 times as many or less than 0.1 % of all, odds of chance below 1 in 20",
  );
});

test("where response times were not judged, the verdict says so beside what it says", () => {
  const untimed = (requests: number): Count => ({ requests, errors: 0, buckets: [] });
  const bare = after(times(4, poll(50, untimed(2_000), untimed(2_000))));
  assert.match(bare.because, /odds of chance below 1 in 20; response times were not judged: none were counted$/);
  const beyond = after(times(4, poll(50, counted(2_000, 0, 2_000), counted(2_000, 0, 2_000))));
  assert.match(beyond.because, /; response times were not judged: most of stable's are beyond the last edge/);
});

test("what is not proven yet is told as such, with the range that is left", () => {
  const { kind, because } = after(times(2, poll(10, counted(20, 1), counted(180, 9))));
  assert.equal(kind, "inconclusive");
  assert.match(
    because,
    /^2 of 40 canary requests failed, 18 of 360 on stable in the same time: 0\.0371 to 6\.04 times as many, which proves neither harm nor safety yet$/,
  );
});

test("a canary that is surely not broken passes with words that claim no more, or not where safety is asked for", () => {
  const polls = times(2, poll(10, counted(100, 1), counted(900, 9)));
  const { kind, because } = after(polls);
  assert.equal(kind, "pass");
  assert.match(
    because,
    /^2 of 200 canary requests failed, 18 of 1,800 on stable in the same time: 0\.0371 to 6\.04 times as many, which proves neither harm nor safety; surely not broken \(10 % failing would be\), odds of chance below 1 in 20$/,
  );
  assert.equal(after(polls, { ...defaults, requires: "safe" }).kind, "inconclusive");
  const warmed = after([
    poll(10, counted(100, 0), counted(900, 0), 30_000),
    poll(10, counted(100, 0), counted(900, 0)),
  ]);
  assert.equal(
    warmed.because,
    "0 of 100 canary requests failed, 0 of 900 on stable in the same time: no failure to compare by; surely not broken, by all 200 of its requests (10 % failing would be), odds of chance below 1 in 20",
  );
  const young = after([poll(10, counted(100, 1), counted(900, 9), 30_000)]);
  assert.equal(
    young.because,
    "1 of 100 canary requests failed: surely not broken (10 % failing would be), odds of chance below 1 in 20; too little was seen to compare it with stable",
  );
});

test("a stage that only waits for response times to be compared says so", () => {
  const { kind, by, because } = after([poll(20, counted(200, 0), counted(800, 0))]);
  assert.deepEqual([kind, by], ["inconclusive", "latency"]);
  assert.equal(
    because,
    "0 of 200 canary requests failed, 0 of 800 on stable in the same time: no failure to compare by yet; too few response times of both were counted to compare them",
  );
});

test("requests for the canary that fail before they reach a pod fail the release", () => {
  const { kind, by, because } = after(times(6, { ...poll(10, counted(0, 0), counted(90, 0)), lost: 10 }));
  assert.deepEqual([kind, by], ["fail", "lost"]);
  assert.equal(
    because,
    "the canary got 0 % of 500 requests instead of 10 %, while 50 requests of the service failed without reaching a pod: those meant for the canary do, odds of chance below 1 in 1,000",
  );
});

test("a table shows the figure that decides and what it is held against", () => {
  const shown = ({ value, limit }: ReturnType<typeof after>): readonly string[] => [value, limit];
  assert.deepEqual(shown(after(times(5, poll(10, counted(19, 4), counted(181, 0))))), ["21.1 %", "like stable: 0 %"]);
  assert.deepEqual(shown(after(times(12, poll(10, counted(100, 1, 20), counted(900, 9, 45))))), [
    "20 % slower than 250 ms",
    "like stable: 5 %",
  ]);
  assert.deepEqual(shown(after(times(20, poll(5, counted(200, 0), counted(800, 0))))), [
    "20 % of requests",
    "as planned: 5 %",
  ]);
  assert.deepEqual(shown(after([poll(5, counted(9, 6), counted(171, 0), 15_000)])), ["66.7 %", "≤ 10 %"]);
  assert.deepEqual(
    shown(after(times(8, poll(10, counted(100, 5), counted(900, 45))), { ...defaults, objective: 0.01 })),
    ["5 %", "≤ 1 %"],
  );
  assert.deepEqual(shown(after([])), ["—", "like stable"]);
});

test("no data is told as such: no request of the canary, none since it warmed up, none of stable", () => {
  const young = { ...poll(5, counted(0, 0), counted(905, 3)), age: 15_000 };
  assert.deepEqual(
    [after([young]).kind, after([young]).because],
    ["no-data", "no request of the canary was counted, 905 of stable in the same time"],
  );
  const late = after([poll(5, counted(10, 0), counted(190, 0), 15_000), poll(5, counted(0, 0), counted(190, 0))]);
  assert.deepEqual(
    [late.kind, late.because],
    ["no-data", "no request of the canary was counted since it warmed up, 190 of stable in the same time"],
  );
  const alone = after([poll(5, counted(30, 1), counted(0, 0))]);
  assert.deepEqual(
    [alone.kind, alone.because],
    ["no-data", "no request of stable was counted, so nothing can be compared; 1 of 30 canary requests failed"],
  );
  assert.equal(after([]).kind, "no-data");
});

test("a canary that warms up is told how long it still does", () => {
  const { kind, because } = after([poll(5, counted(40, 2), counted(760, 5), 45_000)]);
  assert.equal(kind, "inconclusive");
  assert.equal(
    because,
    "2 of 40 canary requests failed; it is warming up for 1 m 15 s more, until then only plain failure is judged",
  );
});

test("the numbers name the dispersion that evidence was divided by", () => {
  const settings: Settings = { ...defaults, dispersion: { kind: "tempered", phi: 2.5 } };
  assert.match(after(times(3, poll(10, counted(100, 3), counted(900, 9))), settings).numbers, / · φ 2\.5 · 3 polls$/);
});
