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
  assert.equal(headlineOf({ ...unsaved, differences: ["v2 has 5%"] }).words, "rolled back, but v2 has 5%");
  assert.equal(
    headlineOf({ ...unsaved, differences: ["v2 has 5%", "v1 is gone"] }).words,
    "rolled back, but 2 things are not as they should be",
  );
});

const heldWords = {
  "held-undecided": "held at 10% (stage 1 of 3): too few requests to judge",
  "held-without-data": "held at 10% (stage 1 of 3): no data to decide by",
  "held-by-the-split": "held at 10% (stage 1 of 3): the canary gets less than planned",
  "held-by-the-budget": "held at 10% (stage 1 of 3): too few requests for a larger weight",
} as const;

for (const name of ["held-undecided", "held-without-data", "held-by-the-split", "held-by-the-budget"] as const) {
  test(`a release that is ${name.replaceAll("-", " ")} says in a few words what it is held by`, () => {
    assert.deepEqual(headlineOf(evidenceSamples[name]), { mark: "✋", words: heldWords[name] });
  });
}

const stuckWords = {
  "failed-promoting": "stuck while promoting, no hurry: all users are on 1.4.0",
  "failed-promoting-at-the-end": "stuck while promoting, no hurry: all users are on 1.4.0",
  "failed-rolling-back": "stuck while rolling back, act now: users may still get 1.4.0",
  "failed-rolling-back-at-the-end": "stuck while rolling back, no hurry: all users are on 1.3.9 again",
  "failed-without-stable": "stuck while rolling back, act now: reviews-v1 cannot answer, so users still get 1.4.0",
  "failed-unserved": "stuck while promoting, act now: requests cannot be answered",
  "failed-stranded": "stuck while promoting, no hurry: what the release moves is on 1.4.0",
  "failed-kept": "stuck while promoting, no hurry: all users are on 1.4.0",
} as const;

test("of a release that got stuck one line says whether users are safe, and whether that is urgent", () => {
  for (const [name, words] of Object.entries(stuckWords))
    assert.deepEqual(headlineOf(samples[name] ?? assert.fail(name)), { mark: "🚨", words });
});

test("pods that somebody else's route keeps in use are told with what their users get", () => {
  const kept = samples["failed-kept"] ?? assert.fail();
  assert.ok(kept.state.phase === "failed" && kept.state.reason.kind === "kept");
  const reason = { ...kept.state.reason, version: "stable" } as const;
  const swap: Account = { ...kept, plan: { ...kept.plan, promotion: "swap" }, state: { ...kept.state, reason } };
  assert.match(headlineOf(swap).words, /promoting, look soon: a route of somebody else's gives users 1\.3\.9$/);
  const back: Account = { ...kept, state: { ...kept.state, during: "rolling-back" } };
  assert.match(headlineOf(back).words, /rolling back, act now: a route of somebody else's gives users 1\.4\.0$/);
  const undo: Account = { ...kept, undoes: { startedAt: 0 } };
  assert.match(headlineOf(undo).words, /^stuck while undoing, /);
});

test("an approval that the plan asks for is no hold", () => {
  assert.equal(headlineOf(samples.waiting ?? assert.fail()).words, "waiting for approval at 25% (stage 2 of 3 passed)");
});

test("a stage that goes on after its wait is called extended", () => {
  assert.equal(headlineOf(evidenceSamples.extended).words, "10% on the canary (stage 1 of 3, extended)");
});
