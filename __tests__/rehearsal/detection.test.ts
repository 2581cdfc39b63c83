import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { type Course, detection, smallestFound, timeToSafety } from "../../src/rehearsal/detection.ts";

/** The plan of the design's table: 20 minutes at 5, 10, 25 and 50%. */
const course: Course = { steps: [5, 10, 25, 50].map((weight) => ({ weight, wait: 300_000 })), pollEvery: 15_000 };
/** The table knows no warm-up and no floor. */
const bare = { ...defaults, warmUp: 0, minExcess: 0 };

test("the smallest regression found is that of the design's table, within a step of its scale (60 releases each, seed 1)", () => {
  for (const [rate, baseline, expected] of [
    [2, 0.001, 20],
    [2, 0.01, 4],
    [50, 0.001, 3],
  ] as const) {
    const ratio = smallestFound(course, { rate, baseline }, bare, 60, 1)?.ratio ?? 0;
    assert.ok(
      ratio >= expected / 1.5 && ratio <= expected * 1.5,
      `${ratio} at ${rate}/s and ${baseline}, table ${expected}`,
    );
  }
});

test("a total failure at 50 requests per second is always found, within the first polls, by less than a hundred bad requests", () => {
  const {
    found,
    badRequests,
    medianTime = Infinity,
  } = detection(course, { rate: 50, baseline: 0.005 }, 200, defaults, 60, 2);
  assert.equal(found, 1);
  assert.ok(medianTime <= 30_000 && badRequests < 100, `${medianTime}ms, ${badRequests}`);
});

test("a canary as good as stable is found to be bad in at most 5 of 100 releases (100 releases, seed 3)", () => {
  assert.ok(detection(course, { rate: 10, baseline: 0.01 }, 1, defaults, 100, 3).found <= 0.05);
});

test("where not even total failure can be found, nothing is claimed", () => {
  assert.equal(
    smallestFound(
      { steps: [{ weight: 1, wait: 60_000 }], pollEvery: 15_000 },
      { rate: 0.05, baseline: 0.01 },
      defaults,
      60,
      4,
    ),
    undefined,
  );
});

test("the same seed gives the same answer", () => {
  const ask = () => detection(course, { rate: 2, baseline: 0.01 }, 4, defaults, 20, 7);
  assert.deepEqual(ask(), ask());
});

test("to prove safety takes 292 failures at a steady 5%, 160 at 10%, 73 at 50%, and the time in which they come", () => {
  for (const [weight, failures] of [
    [5, 292],
    [10, 160],
    [50, 73],
  ] as const) {
    const steady: Course = { steps: [{ weight, wait: 60_000 }], pollEvery: 15_000 };
    const perSecond = 50 * 0.01;
    const time = timeToSafety(steady, { rate: 50, baseline: 0.01 }, bare) ?? 0;
    assert.ok(Math.abs((time / 1_000) * perSecond - failures) <= 1, `${(time / 1_000) * perSecond}`);
  }
});

test("what comes during the warm-up does not count for safety", () => {
  const steady: Course = { steps: [{ weight: 50, wait: 60_000 }], pollEvery: 15_000 };
  const [cold, warm] = [120_000, 0].map(
    (warmUp) => timeToSafety(steady, { rate: 50, baseline: 0.01 }, { ...bare, warmUp }) ?? 0,
  );
  assert.ok(Math.abs((cold ?? 0) - (warm ?? 0) - 120_000) <= 2_000, `${cold} and ${warm}`);
});

test("at low traffic safety takes more than a day, and at hardly any it is never promised", () => {
  assert.ok((timeToSafety(course, { rate: 0.2, baseline: 0.001 }, defaults) ?? 0) > 86_400_000);
  assert.equal(timeToSafety(course, { rate: 0.001, baseline: 0.001 }, defaults), undefined);
});

test("a service that never failed has a smallest regression, too", () => {
  const { ratio = 0 } = smallestFound(course, { rate: 50, baseline: 0 }, defaults, 40, 5) ?? {};
  assert.ok(ratio >= 75 && ratio <= 500, `${ratio}`);
});

test("a service without failures is proven safe by its requests", () => {
  const time = timeToSafety(course, { rate: 50, baseline: 0 }, defaults) ?? Infinity;
  assert.ok(time < 20 * 60_000, `${time}`);
});
