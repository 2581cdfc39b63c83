import assert from "node:assert/strict";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { conclusionSentence } from "../../src/words/conclusion-sentence.ts";

const scrape = defaults.scrape;
const served = (requests: number, atMost = 100): Count => ({
  requests,
  errors: 0,
  buckets: [
    { le: atMost, count: requests },
    { le: Infinity, count: requests },
  ],
});

/** Requests that ended in each poll, by version, one poll a scrape, and how many more wait at the canary's pods. */
type Ended = readonly [stable: number, canary: number, takes?: number, waiting?: number];

function after(weight: number, ended: readonly Ended[], settings: Settings = defaults): Evidence {
  const poll = ([stable, canary, takes, waiting]: Ended, index: number): Poll => ({
    weight,
    age: index * scrape,
    from: (index - 1) * scrape,
    stable: served(stable, takes),
    canary: served(canary, takes),
    lost: 0,
    ...(waiting === undefined ? {} : { pods: 3, waiting }),
  });
  return ended.map(poll).reduce((evidence, next) => addPoll(evidence, next, settings), noEvidence);
}

const found = (weight: number, ended: readonly Ended[], settings: Settings = defaults) => {
  const conclusion = conclude(after(weight, ended, settings), settings);
  return { ...conclusion, words: conclusionSentence(conclusion) };
};
const times = (polls: number, ...each: Ended): readonly Ended[] => Array.from({ length: polls }, () => each);
/** Polls until it is found. */
const pollsUntil = (finding: string, weight: number, ended: readonly Ended[], settings?: Settings): number =>
  ended.findIndex((_, index) => found(weight, ended.slice(0, index + 1), settings).finding === finding) + 1;

test("a canary of which nothing ends is out with the second poll at its weight, whatever the weight", () => {
  // The first poll still has some of the weight before.
  assert.equal(pollsUntil("unanswered", 50, times(8, 375, 0)), 3);
  assert.equal(pollsUntil("unanswered", 5, times(8, 712, 0)), 3);
  const { kind, by, words } = found(50, times(3, 375, 0));
  assert.deepEqual([kind, by], ["fail", "unanswered"]);
  assert.equal(
    words,
    "the canary does not answer: 0 of its requests came to an end in 30s, where about 750 were to, and 750 of stable's did; unless all callers bypass the route, they are still waiting",
  );
});

test("the service's total tells whether they are missing or went elsewhere", () => {
  const usual = { ...defaults, usual: 50 };
  assert.match(
    found(50, times(12, 375, 0), usual).words,
    /^the canary does not answer: .*missing from the service's total as well \(25 requests a second, 50 before the release\)/,
  );
  const bypassed = found(50, times(12, 750, 0), usual);
  assert.deepEqual([bypassed.finding, bypassed.kind], ["too-little-traffic", "inconclusive"]);
});

test("a canary that ends a part of its requests only is out where the rest is missing, and held where it went elsewhere", () => {
  const usual = { ...defaults, usual: 50 };
  const missing = found(50, times(12, 375, 150), usual);
  assert.deepEqual([missing.finding, missing.unanswered?.expected], ["unanswered", 4_125]);
  assert.equal(found(50, times(12, 550, 200), usual).finding, "too-little-traffic");
  assert.equal(found(50, times(12, 375, 150)).finding, "too-little-traffic", "where nobody knows the total");
});

test("half of a canary's requests that never end are told from callers that bypass the route at 10% as well", () => {
  const usual = { ...defaults, usual: 50 };
  const missing = times(20, 675, 37);
  assert.equal(found(10, missing, usual).finding, "unanswered");
  // The first poll still has some of the weight before, and a split speaks after eight scrapes.
  assert.equal(pollsUntil("unanswered", 10, missing, usual), 1 + 8);
  assert.equal(found(10, times(20, 713, 37), usual).finding, "too-little-traffic", "with a total as it was");
  assert.equal(found(10, times(20, 500, 28), usual).finding, "too-little-traffic", "with a service that is quieter");
  assert.equal(
    found(10, times(20, 675, 37), { ...usual, usualOf: 500 }).finding,
    "too-little-traffic",
    "where ten seconds were usual, a total tells nothing yet",
  );
});

test("requests that are open at its pods, about as many as the canary lacks, are waiting for it", () => {
  const hanging = Array.from({ length: 20 }, (_, poll): Ended => [675, 37, 20, 38 * poll]);
  assert.equal(pollsUntil("unanswered", 10, hanging), 1 + 8);
  const { words } = found(10, hanging);
  assert.match(
    words,
    /^the canary does not answer: 703 of its requests .* where about 1,425 were to.*; 722 more are open/,
  );
  const busy = Array.from({ length: 20 }, (): Ended => [713, 37, 20, 90]);
  assert.equal(found(10, busy).finding, "too-little-traffic", "some are always open");
  assert.match(found(10, busy).words, /Some callers bypass the route, or requests wait for the canary/);
});

test("a canary that stops answering after an hour is found as soon as one that never did", () => {
  const good = times(240, 375, 375);
  assert.equal(pollsUntil("unanswered", 50, [...good.slice(0, 3), ...times(6, 375, 0)]), 3 + 2);
  assert.equal(found(50, [...good, ...times(2, 375, 0)]).finding, "unanswered");
});

test("nothing is said while requests take as long as stable's do", () => {
  const slow = times(4, 375, 0, 60_000);
  assert.notEqual(found(50, slow).finding, "unanswered");
  assert.notEqual(found(50, [...slow, ...times(8, 375, 375, 60_000)]).finding, "unanswered");
  assert.equal(found(50, times(9, 375, 0, 60_000)).finding, "unanswered");
});

test("a canary that has few requests is not silent, nor is one with all of them, nor a service that is quiet itself", () => {
  assert.notEqual(found(1, times(12, 99, 0)).finding, "unanswered");
  assert.notEqual(found(100, times(12, 400, 0)).finding, "unanswered");
  assert.notEqual(found(50, times(12, 2, 0)).finding, "unanswered");
});
