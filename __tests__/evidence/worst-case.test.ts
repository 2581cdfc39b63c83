import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { largestWeight, worstRate } from "../../src/evidence/worst-case.ts";
import { chance } from "../../src/rehearsal/chance.ts";
import { close } from "./close.ts";

const seen = (canary: number, failed: number, stable = 1_000, failedOfStable = 0): Evidence =>
  addPoll(
    noEvidence,
    {
      weight: 10,
      age: 1e6,
      from: 1e6,
      canary: { requests: canary, errors: failed, buckets: [] },
      stable: { requests: stable, errors: failedOfStable, buckets: [] },
      lost: 0,
    },
    defaults,
  );

test("one request that went well rules out no more than the average of all shares does: 1 − ½β", () => {
  // The average of 1 − p over the arcsine distribution is ½; a share is ruled out when ½ is 20 times its 1 − p.
  close(worstRate(seen(1, 0), defaults), 1 - 0.5 * defaults.beta, 1e-5);
});

test("without a request everything is possible", () => {
  assert.equal(worstRate(noEvidence, defaults), 1);
});

test("the bound comes down to the truth with the requests, and is never below what was seen", () => {
  const bounds = [10, 100, 1_000, 10_000, 1e6].map((requests) => worstRate(seen(requests, requests / 10), defaults));
  assert.deepEqual(
    bounds,
    bounds.toSorted((a, b) => b - a),
  );
  assert.ok(bounds.every((bound) => bound > 0.1) && (bounds.at(-1) ?? 1) < 0.102);
});

test("the true share is above the bound at any of 1,000 looks in fewer than 5% of releases", () => {
  const next = chance(20_261_121);
  let missed = 0;
  for (let release = 0; release < 300; release++) {
    let [requests, failed] = [0, 0];
    for (let look = 0; look < 1_000; look++) {
      requests += 1;
      if (next() < 0.03) failed += 1;
      if (look % 10 === 0 && worstRate({ ...noEvidence, seen: seen(requests, failed).seen }, defaults) < 0.03) {
        missed += 1;
        break;
      }
    }
  }
  assert.ok(missed <= 15, `${missed} of 300`);
});

test("the largest weight keeps the worst case, less what stable fails itself, within the budget", () => {
  const evidence = seen(500, 5, 4_500, 45);
  const excess = worstRate(evidence, defaults) - 0.01;
  const weight = largestWeight(evidence, defaults, 0.005);
  assert.ok(weight > 0 && weight < 100);
  assert.ok((weight / 100) * excess <= 0.005 && ((weight + 1) / 100) * excess > 0.005);
  assert.equal(largestWeight(seen(1e9, 1e6), defaults, 0.1), 100);
  assert.equal(largestWeight(noEvidence, defaults, 0.005), 0);
});
