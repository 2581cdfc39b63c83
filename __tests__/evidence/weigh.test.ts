import assert from "node:assert/strict";
import test from "node:test";
import { kindOf } from "../../src/evidence/conclusion.ts";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { close } from "./close.ts";

/** Requests, failures, and requests slower than 100ms. */
const counted = (requests: number, errors: number, slow = 0): Count => ({
  requests,
  errors,
  buckets: [
    { le: 100, count: requests - slow },
    { le: Infinity, count: requests },
  ],
});
const untimed = (requests: number, errors: number): Count => ({ requests, errors, buckets: [] });
const fold = (
  weight: number,
  polls: number,
  canary: Count,
  stable: Count,
  settings: Settings = defaults,
  lost = 0,
): Evidence => {
  const poll = (index: number): Poll => ({
    weight,
    age: defaults.warmUp + index * defaults.scrape,
    from: defaults.warmUp + (index - 1) * defaults.scrape,
    canary,
    stable,
    lost,
  });
  return Array.from({ length: polls }, (_, index) => poll(index)).reduce(
    (evidence, next) => addPoll(evidence, next, settings),
    noEvidence,
  );
};

test("metrics are weighed by their shares, and the one that contributes most is named", () => {
  const slow = weigh(fold(10, 12, counted(100, 1, 20), counted(900, 9, 45)), defaults);
  close(slow.harm, Math.log(0.6 * Math.exp(slow.metrics.errors) + 0.2 * Math.exp(slow.metrics.latency) + 0.2));
  assert.equal(slow.finding, "harm");
  assert.equal(slow.most, "latency");
  assert.equal(weigh(fold(10, 12, counted(100, 6), counted(900, 9)), defaults).most, "errors");
});

test("an objective takes a share only where there is one, and is named where it decides", () => {
  const settings = { ...defaults, objective: 0.01 };
  const weight = weigh(fold(10, 8, counted(100, 5), counted(900, 45), settings), settings); // as bad as stable, but worse than promised
  assert.equal(weight.finding, "harm");
  assert.equal(weight.most, "objective");
  close(
    weight.harm,
    Math.log(
      0.5 * Math.exp(weight.metrics.errors) +
        (1 / 6) * (Math.exp(weight.metrics.latency) + 1 + Math.exp(weight.metrics.objective)),
    ),
  );
});

test("a difference below the floor never fails a release, however sure it is", () => {
  const evidence = fold(50, 40, counted(100_000, 150), counted(100_000, 75)); // 0.15% against 0.075%
  const weight = weigh(evidence, defaults);
  assert.ok(weight.metrics.errors > Math.log(1e6));
  assert.notEqual(weight.finding, "harm");
  close(weight.harm, Math.log(0.2) + weight.metrics.latency); // errors have no part in it
  assert.equal(weigh(evidence, { ...defaults, minExcess: 0.0005 }).finding, "harm");
});

test("many failures as rare as stable's prove a canary safe, and so do enough requests without any", () => {
  assert.equal(weigh(fold(50, 8, counted(2_000, 20), counted(2_000, 20)), defaults).finding, "safe");
  assert.equal(weigh(fold(50, 4, counted(2_000, 0), counted(2_000, 0)), defaults).finding, "safe");
  assert.equal(weigh(fold(50, 1, untimed(2_000, 0), untimed(2_000, 0)), defaults).finding, "sound");
});

test("a canary that is safe in its errors does not pass while its latency leans the other way", () => {
  const leaning = weigh(fold(50, 8, counted(2_000, 20, 222), counted(2_000, 20, 160)), defaults);
  assert.ok(leaning.metrics.latency > 0 && leaning.metrics.latency < Math.log(20), `${leaning.metrics.latency}`);
  assert.ok(leaning.safe > Math.log(20));
  assert.notEqual(leaning.finding, "safe");
});

test("a canary is sound when it surely is not broken: after some 50 requests without a failure, later the more fail", () => {
  const finding = (requests: number, errors: number): string =>
    weigh(fold(10, 1, untimed(requests, errors), untimed(9 * requests, 9 * errors)), defaults).finding;
  assert.equal(finding(30, 0), "nothing");
  assert.equal(finding(60, 0), "sound");
  assert.equal(finding(100, 4), "nothing");
  assert.equal(finding(300, 12), "sound");
});

test("a canary whose response times were not compared is neither safe nor sound, however few of its requests fail", () => {
  const finding = (weight: number, polls: number, canary: Count, stable: Count): string =>
    weigh(fold(weight, polls, canary, stable), defaults).finding;
  // Nothing was counted while it warmed up: the first poll shows what is usual for stable, the second compares.
  assert.equal(finding(50, 1, counted(8_000, 0), counted(8_000, 0)), "nothing");
  assert.equal(finding(20, 1, counted(200, 0), counted(800, 0)), "nothing");
  assert.equal(finding(20, 2, counted(200, 0), counted(800, 0)), "sound");
  assert.equal(finding(20, 2, counted(200, 0, 200), counted(800, 0)), "nothing"); // it may be one minute's
  assert.equal(finding(20, 7, counted(200, 0, 200), counted(800, 0)), "harm");
  // Stable's are there, the canary's are not.
  assert.equal(finding(50, 4, untimed(2_000, 0), counted(2_000, 0)), "nothing");
  // Stable has too few of them to know what is usual.
  assert.equal(finding(90, 1, counted(90, 0), counted(10, 0)), "nothing");
});

test("response times are not waited for where none are counted, a histogram cannot tell, or nobody is left beside the canary", () => {
  assert.equal(weigh(fold(50, 1, untimed(200, 0), untimed(200, 0)), defaults).finding, "sound");
  assert.equal(weigh(fold(50, 2, counted(200, 0, 200), counted(200, 0, 200)), defaults).finding, "sound");
  assert.equal(weigh(fold(100, 2, counted(200, 0), counted(10, 0)), defaults).finding, "sound");
});

test("a canary half-way to a proof of harm is not sound", () => {
  const suspected = weigh(fold(10, 1, counted(300, 7), counted(2_700, 16)), defaults);
  assert.ok(suspected.harm > Math.log(20) / 2 && suspected.harm < Math.log(20), `${suspected.harm}`);
  assert.ok(suspected.sound > Math.log(20));
  assert.equal(suspected.finding, "nothing");
});

test("nothing is sound beside a stable version that is broken itself", () => {
  assert.equal(weigh(fold(50, 10, counted(500, 200), counted(500, 250)), defaults).sound, 0);
});

test("requests that the canary lacks and that failed without a pod were meant for it; without such failures they wait for it, or went elsewhere", () => {
  assert.equal(weigh(fold(10, 6, counted(0, 0), counted(90, 0), defaults, 10), defaults).finding, "lost");
  assert.equal(weigh(fold(10, 10, counted(0, 0), counted(100, 0), defaults, 0), defaults).finding, "unanswered");
  assert.equal(weigh(fold(10, 10, counted(2, 0), counted(97, 0), defaults, 1), defaults).finding, "too-little-traffic");
  assert.notEqual(weigh(fold(10, 6, counted(10, 0), counted(40, 0), defaults, 50), defaults).finding, "lost"); // stable's requests, then
});

test("too much traffic stops a release, too little holds it, before anything is called safe", () => {
  assert.equal(weigh(fold(5, 20, counted(200, 0), counted(800, 0)), defaults).finding, "too-much-traffic");
  assert.equal(weigh(fold(50, 20, counted(400, 0), counted(1_600, 0)), defaults).finding, "too-little-traffic");
});

test("too much traffic below twice the plan is somebody's to decide: it may be callers that stick", () => {
  const kind = (canary: number) => {
    const evidence = fold(10, 40, counted(canary, 0), counted(1_000 - canary, 0));
    return kindOf(weigh(evidence, defaults).finding, evidence, defaults);
  };
  assert.deepEqual([kind(100), kind(180), kind(210)], ["pass", "inconclusive", "fail"]);
});

test("a split speaks when eight scrapes have come: one of them that is late looks like too much traffic, or too little", () => {
  const after = (polls: number, weight: number) =>
    weigh(fold(weight, polls, counted(300, 0), counted(700, 0)), defaults);
  assert.deepEqual([after(8, 5).finding, after(9, 5).finding], ["sound", "too-much-traffic"]);
  assert.deepEqual([after(8, 60).finding, after(9, 60).finding], ["sound", "too-little-traffic"]);
  assert.ok(after(8, 5).split.more > Math.log(1_000) && after(8, 60).split.less > Math.log(1_000));
});

test("what is plainly broken is found while warming up", () => {
  const young: Poll = { weight: 5, age: 15_000, from: 0, canary: counted(9, 5), stable: counted(171, 1), lost: 0 };
  assert.equal(weigh(addPoll(noEvidence, young, defaults), defaults).finding, "broken");
});

const leaving = (requests: number, givenUp: number, cutOff = 0): Count => ({
  ...untimed(requests, 0),
  givenUp,
  cutOff,
});

test("callers who leave the canary far more often than stable are proof of harm, and resets and time-outs are", () => {
  const deserted = weigh(fold(50, 7, leaving(100, 15), leaving(100, 1)), defaults);
  assert.deepEqual([deserted.finding, deserted.most], ["harm", "givenUp"]);
  const reset = weigh(fold(50, 7, leaving(100, 0, 15), leaving(100, 0, 1)), defaults);
  assert.deepEqual([reset.finding, reset.most], ["harm", "cutOff"]);
});

test("callers who leave both versions alike are nobody's fault, however many they are", () => {
  for (const part of [0.02, 0.15, 0.5, 1])
    assert.equal(
      weigh(fold(20, 8, leaving(200, 200 * part), leaving(800, 800 * part)), defaults).finding === "harm",
      false,
    );
  assert.equal(weigh(fold(20, 8, leaving(200, 200), leaving(800, 800)), defaults).finding, "sound");
});

test("a difference in callers who leave that is below the floor fails no release", () => {
  const weight = weigh(fold(50, 40, leaving(100_000, 150), leaving(100_000, 75)), defaults);
  assert.ok(weight.metrics.givenUp > Math.log(1e6));
  assert.notEqual(weight.finding, "harm");
});

test("a canary that all callers leave is broken while it warms up, and never sound", () => {
  const poll = { weight: 50, age: 0, from: 0, lost: 0, stable: leaving(20, 0) };
  const after = (canary: Count): string => weigh(addPoll(noEvidence, { ...poll, canary }, defaults), defaults).finding;
  assert.equal(after(leaving(20, 20)), "broken");
  assert.equal(after(leaving(60, 6)), "nothing");
  assert.equal(after(leaving(60, 0)), "sound");
});
