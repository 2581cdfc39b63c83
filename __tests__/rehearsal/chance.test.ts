import assert from "node:assert/strict";
import test from "node:test";
import { chance, poisson, xoshiro } from "../../src/rehearsal/chance.ts";

test("the generator gives its authors' reference numbers for the state 1, 2, 3, 4", () => {
  const next = xoshiro([1, 2, 3, 4]);
  assert.deepEqual(
    Array.from({ length: 10 }, next),
    [
      11_520, 0, 5_927_040, 70_819_200, 2_031_721_883, 1_637_235_492, 1_287_239_034, 3_734_860_849, 3_729_100_597,
      4_258_142_804,
    ],
  );
});

test("the same seed gives the same stream, another seed another one", () => {
  const first = (seed: number): readonly number[] => Array.from({ length: 5 }, chance(seed));
  assert.deepEqual(first(7), first(7));
  assert.notDeepEqual(first(7), first(8));
  assert.ok(first(9).every((value) => value >= 0 && value < 1));
});

test("counts of random events have the mean and the variance that they should, on both sides of the change of method", () => {
  for (const mean of [0.2, 4, 9.99, 10, 60, 5_000]) {
    const next = chance(3);
    const counts = Array.from({ length: 40_000 }, () => poisson(mean, next));
    const average = counts.reduce((a, b) => a + b, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - average) ** 2, 0) / counts.length;
    assert.ok(Math.abs(average / mean - 1) < 4 / Math.sqrt(mean * counts.length), `mean ${average} of ${mean}`);
    assert.ok(Math.abs(variance / mean - 1) < 0.05, `variance ${variance} of ${mean}`);
  }
  assert.equal(poisson(0, chance(1)), 0);
});

test("small counts follow the law itself", () => {
  const next = chance(11);
  const counts = Array.from({ length: 40_000 }, () => poisson(2, next));
  for (const [k, law] of [0.13534, 0.27067, 0.27067, 0.18045].entries()) {
    assert.ok(Math.abs(counts.filter((count) => count === k).length / counts.length - law) < 0.01);
  }
});
