import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults } from "../../src/evidence/defaults.ts";
import { addPoll, noEvidence } from "../../src/evidence/evidence.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import { type Count, emptyTally, sumOf, type Tally } from "../../src/evidence/tally.ts";
import { ownFigures } from "../../src/release/own-figures.ts";
import type { GateVerdict } from "../../src/release/verdict.ts";
import { figuresInWords, verdictSentence } from "../../src/words/verdict-sentence.ts";

const of = (requests: number, errors: number, slow = 0): Count => ({
  requests,
  errors,
  buckets: [
    { le: 100, count: requests - slow },
    { le: 500, count: requests },
    { le: Infinity, count: requests },
  ],
});

/** Stages of one poll after the other, each with so many polls alike; what the newest counted itself is its own. */
function after(...stages: readonly (readonly [polls: number, weight: number, canary: Count, stable: Count])[]) {
  let evidence = noEvidence;
  let tally: Tally = emptyTally;
  for (const [polls, weight, canary, stable] of stages) {
    tally = emptyTally;
    for (let index = 0; index < polls; index++) {
      const age = evidence.age === 0 ? defaults.warmUp : evidence.age + defaults.scrape;
      const poll: Poll = { weight, age, from: age - defaults.scrape, canary, stable, lost: 0 };
      evidence = addPoll(evidence, poll, defaults);
      tally = sumOf(tally, { ...emptyTally, canary, stable });
    }
  }
  const conclusion = conclude(evidence, defaults);
  const own = ownFigures(tally, conclusion);
  const verdict: GateVerdict = { gate: "evidence", kind: "fail", figures: { of: "evidence", conclusion, own } };
  return { conclusion, sentence: verdictSentence(verdict), ...figuresInWords(verdict) };
}

test("a stage is told by its own requests: sentence, value and requests have one denominator", () => {
  const told = after([20, 10, of(30, 0), of(270, 1)], [8, 25, of(75, 6), of(225, 1)]);
  assert.equal(told.conclusion.judged.requests.canary, 1_200);
  assert.match(
    told.sentence,
    /^8% of the canary's requests failed \(48 of 600\), 0\.444% of stable's 1,800: about 18 times as often, at least \d[\d.]*; chance does this less than once in a million releases$/,
  );
  assert.deepEqual([told.value, told.limit, told.requests], ["8% failed", "stable 0.444%", 600]);
});

test("how seldom chance does it is what was proven, and no bound below 1 is told", () => {
  const { conclusion, sentence } = after([11, 20, of(14, 2), of(55, 3)]);
  assert.equal(conclusion.finding, "harm");
  assert.ok((conclusion.ratio.low ?? 0) < 1.05, String(conclusion.ratio.low));
  const releases = Math.exp(conclusion.weight.harm ?? 0);
  const [, told = ""] =
    /: about 2\.6 times as often; chance does this less than once in (\S+) releases$/.exec(sentence) ?? [];
  const once = Number(told.replaceAll(",", ""));
  assert.ok(once >= 20 && once <= releases && releases < 1.2 * once, `${sentence}, ${releases}`);
});

test("where stable has no failure there is no ratio", () => {
  const { sentence } = after([8, 10, of(20, 4), of(180, 0)]);
  assert.match(
    sentence,
    /^20% of the canary's requests failed \(32 of 160\), none of stable's 1,440; chance does this /,
  );
});

test("what a stage does not show itself is told of all stages, and says so", () => {
  const told = after([10, 10, of(30, 3), of(270, 3)], [1, 25, of(75, 0), of(225, 2)]);
  assert.equal(told.conclusion.finding, "harm");
  assert.match(told.sentence, /^over all stages, \d\S*% of the canary's requests failed \(30 of 375\)/);
  assert.deepEqual([told.value, told.requests], ["0% failed", 75]);
});

test("how slow is told in both versions' own times", () => {
  const told = after([4, 20, of(100, 0), of(400, 0)], [12, 20, of(100, 0, 60), of(400, 0, 4)]);
  assert.match(
    told.sentence,
    /^the canary is slower: 60% of the canary's requests took longer than 100ms \(720 of 1,200\), 1% of stable's 4,800; p50 up to 500ms, p99 up to 500ms, stable's up to 100ms and up to 100ms; chance does this /,
  );
  assert.deepEqual([told.value, told.limit], ["60% slower than 100ms", "stable 1%"]);
});

test("a split is told in the stage's own requests as well", () => {
  const told = after([16, 50, of(4, 0), of(96, 0)]);
  assert.equal(told.conclusion.finding, "too-little-traffic");
  assert.ok(told.conclusion.split.requests.canary < 64);
  assert.match(told.sentence, /^the canary got 4% of the requests \(64 of 1,600\) where 50% was planned: too little; /);
  assert.deepEqual([told.value, told.requests], ["4% of requests", 64]);
});

test("what is missing is told as a count", () => {
  assert.match(
    after([2, 10, of(7, 0), of(63, 0)]).sentence,
    /^none of the canary's requests failed \(0 of 14\), none of stable's 126: too few to judge, 14 of about 4\d requests/,
  );
  const failed = after([2, 10, of(20, 1), of(180, 9)]);
  assert.match(failed.sentence, /: too few to judge, about \d+ more without a failure would do/);
  const { missing } = failed.conclusion;
  const enough = after([2, 10, of(20, 1), of(180, 9)], [1, 10, of((missing?.requests ?? 0) + 1, 0), of(600, 30)]);
  assert.equal(enough.conclusion.finding, "sound");
});

test("no comment has an e-value outside of a fold, nor a power of ten", () => {
  const folder = join(import.meta.dirname, "../golden/comment");
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), "utf8");
    const unfolded = text.replace(/<details>[\s\S]*?<\/details>/g, "");
    assert.doesNotMatch(unfolded, /\bE = |\b10\^|odds of chance/, name);
    assert.doesNotMatch(text, /10\^/, name);
  }
});
