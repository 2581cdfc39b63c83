import assert from "node:assert/strict";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { conclusionSentence } from "../../src/words/conclusion-sentence.ts";

const { scrape, warmUp } = defaults;
type Served = readonly [requests: number, errors: number, slow?: number];
type Minutes = readonly (readonly [polls: number, canary: Served, stable: Served])[];

const countOf = ([requests, errors, slow = 0]: Served): Count => ({
  requests,
  errors,
  buckets: [
    { le: 100, count: requests - slow },
    { le: Infinity, count: requests },
  ],
});

/** Polls at 10%, after the warm-up, one part after another. */
const after = (...parts: Minutes): Evidence => {
  let evidence = noEvidence;
  for (const [polls, canary, stable] of parts)
    for (let poll = 0; poll < polls; poll++) {
      const age = Math.max(warmUp, evidence.age + scrape);
      const counts = { canary: countOf(canary), stable: countOf(stable) };
      evidence = addPoll(evidence, { weight: 10, age, from: age - scrape, lost: 0, ...counts }, defaults);
    }
  return evidence;
};
const findingOf = (...parts: Minutes): string => weigh(after(...parts), defaults).finding;

const good: Served = [75, 0];
const stable: Served = [675, 3];
const failing: Served = [75, 12];
const slow: Served = [75, 0, 60];

const troubled: Served = [675, 16];

test("failures of the canary alone are a proof after three scrapes: an outage of both had reached stable by then", () => {
  const findings = [1, 2, 3].map((polls) => findingOf([12, good, stable], [polls, failing, stable]));
  assert.deepEqual(findings, ["nothing", "nothing", "harm"]);
});

test("an outage that the canary meets a scrape before stable, and leaves before it, is no proof", () => {
  const outage: Minutes = [
    [12, good, stable],
    [1, failing, stable],
    [2, failing, troubled],
    [1, good, troubled],
  ];
  for (let polls = 2; polls <= outage.length; polls++)
    assert.equal(findingOf(...outage.slice(0, polls)), "nothing", `${polls}`);
  assert.equal(findingOf(...outage, [8, good, stable]), "sound");
});

test("a stable with few requests does not show that all is well", () => {
  const minutes = (requests: number) => findingOf([12, [10, 0], [requests, 0]], [3, [10, 2], [requests, 0]]);
  assert.deepEqual([99, 101].map(minutes), ["nothing", "harm"]);
});

for (const [what, bad, beside] of [
  ["failures", failing, troubled],
  ["slowness", slow, stable],
] as const) {
  test(`a minute of ${what} is no proof of harm, however much it is`, () => {
    for (const polls of [2, 3, 4]) {
      const evidence = after([12, good, stable], [polls, bad, beside]);
      if (polls === 4) assert.ok(weigh(evidence, defaults).harm > Math.log(1_000));
      assert.equal(weigh(evidence, defaults).finding, "nothing", `${polls}`);
      assert.equal(conclude(evidence, defaults).kind, "inconclusive");
    }
  });

  test(`${what} that last are a proof, whether or not they pause`, () => {
    assert.equal(findingOf([12, good, stable], [7, bad, stable]), "harm");
    assert.equal(findingOf([12, good, stable], [3, bad, stable], [8, good, stable], [3, bad, stable]), "harm");
  });

  test(`a minute of ${what} keeps a stage open, until two have passed without`, () => {
    const minute: Minutes = [
      [12, good, stable],
      [4, bad, beside],
    ];
    assert.equal(findingOf(...minute, [7, good, stable]), "nothing");
    assert.equal(findingOf(...minute, [8, good, stable]), "sound");
  });
}

test("what is proven by one minute alone is told as that", () => {
  for (const [bad, beside, by] of [[failing, troubled, "errors"] as const, [slow, stable, "latency"] as const]) {
    const conclusion = conclude(after([12, good, stable], [4, bad, beside]), defaults);
    assert.equal(conclusion.by, by);
    assert.match(conclusionSentence(conclusion), / releases, but nearly all of it within one minute$/);
  }
});

test("what is plainly broken needs no second minute", () => {
  assert.equal(findingOf([12, good, stable], [2, [75, 60], stable]), "broken");
});

test("single failures are no burst: with little traffic each of them counts", () => {
  const rare: Minutes = Array.from(
    { length: 4 },
    () =>
      [
        [1, [4, 1], [40, 0]],
        [4, [4, 0], [40, 0]],
      ] as const,
  ).flat();
  assert.equal(findingOf(...rare), "harm");
});
