import assert from "node:assert/strict";
import test from "node:test";
import type { Account } from "../../src/release/account.ts";
import type { Reason } from "../../src/release/reason.ts";
import { headlineOf } from "../../src/words/headline.ts";
import { evidenceSamples } from "./evidence-tale.ts";
import { samples } from "./sample.ts";

const rolledBack = samples["rolled-back-errors"] ?? assert.fail();
const neverStarted = samples["never-started"] ?? assert.fail();

test("a release that was rolled back and is settled says where requests go", () => {
  assert.equal(headlineOf({ ...rolledBack, settled: true }).words, "rolled back, all requests go to reviews-v1 again");
  assert.equal(headlineOf({ ...neverStarted, settled: true }).words, "not released, no request went to the canary");
});

test("that no request went to the canary is said only where no weight was ever written", () => {
  for (const kind of ["drained", "canary-put-back"] as const) {
    const reason: Reason = kind === "drained" ? { kind } : { kind, differences: "its image was changed" };
    const written: Account = { ...neverStarted, log: [...neverStarted.log, { at: 0, do: "nothing", reason }] };
    const { words } = headlineOf({ ...written, settled: true });
    assert.equal(words, "rolled back, all requests go to reviews-v1 again");
    assert.equal(
      headlineOf({ ...written, settled: false }).words,
      "rolled back, but not everything is as it should be",
    );
  }
});

test("one that is not settled promises nothing about requests", () => {
  assert.equal(
    headlineOf({ ...rolledBack, settled: false }).words,
    "rolled back, but not everything is as it should be",
  );
  assert.equal(
    headlineOf({ ...neverStarted, settled: false }).words,
    "not released, but not everything is as it should be",
  );
});

test("one whose journal alone could not be saved says where requests go all the same", () => {
  const unsaved = { ...rolledBack, settled: false, differences: [], unsaved: "forbidden" };
  assert.equal(
    headlineOf(unsaved).words,
    "rolled back, all requests go to reviews-v1 again, but its journal could not be saved",
  );
  assert.equal(
    headlineOf({ ...unsaved, differences: ["v2 has 5%"] }).words,
    "rolled back, but not everything is as it should be",
  );
});

const heldWords = {
  "held-undecided": "held at 10% (stage 1 of 3): too few requests to judge",
  "held-without-data": "held at 10% (stage 1 of 3): no data to decide by",
  "held-by-the-split": "held at 10% (stage 1 of 3): the canary gets less than planned",
  "held-by-the-budget": "held at 10% (stage 1 of 3): the budget allows no larger weight",
} as const;

for (const name of ["held-undecided", "held-without-data", "held-by-the-split", "held-by-the-budget"] as const) {
  test(`a release that is ${name.replaceAll("-", " ")} says in a few words what it is held by`, () => {
    assert.deepEqual(headlineOf(evidenceSamples[name]), { mark: "✋", words: heldWords[name] });
  });
}

test("an approval that the plan asks for is no hold", () => {
  assert.equal(headlineOf(samples.waiting ?? assert.fail()).words, "waiting for approval at 25% (stage 2 of 3 passed)");
});

test("a stage that goes on after its wait is called extended", () => {
  assert.equal(headlineOf(evidenceSamples.extended).words, "10% on the canary (stage 1 of 3, extended)");
});
