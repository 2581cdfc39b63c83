import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { detectable } from "../../src/rehearsal/detectable.ts";
import { type Course, detection } from "../../src/rehearsal/detection.ts";

const minute = 60_000;
const course = (weights: readonly number[], each: number, pollEvery = 15_000): Course => ({
  steps: weights.map((weight) => ({ weight, wait: each * minute })),
  pollEvery,
});
const usual = course([5, 10, 25, 50], 5);

test("a busy service needs no advice, and what is found is what as many simulated releases find", () => {
  const traffic = { rate: 50, baseline: 0.01 };
  const { smallest, dead, safeAfter, better, runs, seed } = detectable(usual, traffic, defaults);
  assert.ok(smallest && smallest.ratio <= 3 && smallest.found >= 0.8);
  assert.deepEqual(smallest, detection(usual, traffic, smallest.ratio, defaults, runs, seed));
  assert.deepEqual(dead, detection(usual, traffic, 100, defaults, runs, seed));
  assert.equal(dead.found, 1);
  assert.ok((safeAfter ?? 0) > 0);
  assert.equal(better, undefined);
});

test("the answer is the same each time", () => {
  const ask = () => detectable(usual, { rate: 2, baseline: 0.001 }, defaults);
  assert.deepEqual(ask(), ask());
  assert.equal(ask().seed, 1);
});

test("where little is found, the first longer stage is named that finds ten times as many failures, and it does", () => {
  const traffic = { rate: 2, baseline: 0.001 };
  const { smallest, better, runs, seed } = detectable(usual, traffic, defaults);
  assert.ok(smallest && smallest.ratio > 10 && better, JSON.stringify({ smallest, better }));
  assert.equal(better.ratio, 10);
  const found = ({ weight, wait }: { readonly weight: number; readonly wait: number }) =>
    detection({ steps: [{ weight, wait }], pollEvery: wait / 100 }, traffic, 10, defaults, runs, seed).found;
  assert.ok(found(better) >= 0.8);
  const smaller = better.weight === 50 ? { weight: 25, wait: better.wait } : { weight: 50, wait: better.wait / 2 };
  assert.ok(found(smaller) < 0.8, "the one before it does not");
});

test("where not even four hours find ten times as many, the best of them is named with what it finds", () => {
  const { smallest, better } = detectable(usual, { rate: 0.05, baseline: 0.001 }, defaults);
  assert.deepEqual([better?.weight, better?.wait], [50, 240 * minute]);
  assert.ok(
    better && better.ratio > 10 && better.ratio < (smallest?.ratio ?? Infinity),
    JSON.stringify({ smallest, better }),
  );
});

test("where nothing is found, nothing is claimed", () => {
  const { smallest, dead } = detectable(course([1], 1), { rate: 0.02, baseline: 0.01 }, defaults);
  assert.equal(smallest, undefined);
  assert.ok(dead.found < 0.8);
});

test("a plan that finds as much as four hours at 50% gets no advice, and a long one at a small weight gets a shorter one", () => {
  const rare = { rate: 0.05, baseline: 0.001 };
  const { smallest, better } = detectable(course([50], 239), rare, defaults);
  assert.ok(smallest && smallest.ratio > 10);
  assert.equal(better, undefined);
  assert.equal(detectable(course([1], 300), rare, defaults).better?.weight, 50);
});

test("in a long plan, too, a dead canary is found within its first polls", () => {
  const { dead } = detectable(course([5, 10, 25, 50], 240, 5_000), { rate: 50, baseline: 0.01 }, defaults);
  assert.ok((dead.medianTime ?? Infinity) <= 10_000 && dead.badRequests < 50, JSON.stringify(dead));
});

test("a service that never failed is taken to fail once in 100,000 requests", () => {
  const { smallest, dead } = detectable(usual, { rate: 50, baseline: 0 }, defaults);
  assert.ok(smallest && smallest.ratio >= 50 && smallest.ratio <= 500);
  assert.equal(Math.round(dead.ratio), 100_000);
});
