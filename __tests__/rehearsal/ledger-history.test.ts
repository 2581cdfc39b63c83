import assert from "node:assert/strict";
import test from "node:test";
import { fold, type Ledger } from "../../src/evidence/ledger.ts";
import { keepHistory } from "../../src/rehearsal/ledger-history.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";

const { ledger, plan } = evidenceSamples["passed-by-evidence"];
const { settings } = plan.evidence;
const first = (polls: number): Ledger => structuredClone({ ...ledger, polls: ledger.polls.slice(0, polls) });

test("the history of a ledger that grows is at each look that of the whole", () => {
  const kept = keepHistory();
  for (const polls of [0, 1, 7, 7, 8, ledger.polls.length])
    assert.deepEqual(kept(first(polls), structuredClone(settings)), keepHistory()(first(polls), settings));
});

for (const [what, other, others] of [
  ["a ledger that began anew", first(3), settings],
  ["another ledger of the same length", { ...ledger, polls: ledger.polls.toReversed() }, settings],
  [
    "one whose older polls were folded",
    fold({ ...ledger, polls: Array(500).fill(ledger.polls[0]) }, settings),
    settings,
  ],
  ["other rules", ledger, { ...settings, latencyPhi: settings.latencyPhi + 1, alpha: settings.alpha / 2 }],
] as const)
  test(`${what} is looked at from its beginning`, () => {
    const kept = keepHistory();
    kept(ledger, settings);
    assert.deepEqual(kept(other, others), keepHistory()(other, others));
  });
