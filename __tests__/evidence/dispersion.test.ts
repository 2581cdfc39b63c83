import assert from "node:assert/strict";
import test from "node:test";
import { dispersionOf } from "../../src/evidence/dispersion.ts";
import { type Chance, chance, poisson } from "../../src/rehearsal/chance.ts";

const pod = (requests: number, errors: number) => ({ requests, errors });

/** An hour of four pods with 60 errors a minute in clusters of a geometric size. */
function windows(next: Chance, clusterMean: number): { readonly requests: number; readonly errors: number }[][] {
  const size = (): number =>
    clusterMean === 1 ? 1 : 1 + Math.floor(Math.log1p(-next()) / Math.log1p(-1 / clusterMean));
  return Array.from({ length: 60 }, () =>
    Array.from({ length: 4 }, () =>
      pod(
        5_000,
        Array.from({ length: poisson(15 / clusterMean, next) }, size).reduce((a, b) => a + b, 0),
      ),
    ),
  );
}

test("χ² over its degrees of freedom, by hand: 2 and 8 errors of 100 requests each", () => {
  // rate 5%, expected 5 ± √4.75 each: χ² = 2 · 9 / 4.75 with one degree of freedom
  assert.ok(Math.abs(dispersionOf([[pod(100, 2), pod(100, 8)]]) - 18 / 4.75) < 1e-12);
});

test("independent errors have a dispersion of 1, errors in clusters of three on average one of 5 (seed 5)", () => {
  const next = chance(5);
  assert.ok(dispersionOf(windows(next, 1)) < 1.25);
  const clustered = dispersionOf(windows(next, 3)); // variance over mean of geometric clusters: 2 · 3 − 1
  assert.ok(clustered > 4 && clustered < 6, `${clustered}`);
});

test("a single error in a window neither raises nor lowers it", () => {
  assert.ok(
    Math.abs(
      dispersionOf([
        [pod(1_000, 1), pod(1_000, 0), pod(1_000, 0)],
        [pod(10, 0), pod(10, 1)],
      ]) - 1,
    ) < 0.06,
  );
});

test("it is never below 1, and 1 where nothing can be compared", () => {
  assert.equal(dispersionOf([[pod(100, 5), pod(100, 5)]]), 1);
  for (const nothing of [
    [],
    [[]],
    [[pod(100, 5)]],
    [[pod(100, 0), pod(100, 0)]],
    [[pod(4, 4), pod(3, 3)]],
    [[pod(0, 0), pod(100, 5)]],
  ])
    assert.equal(dispersionOf(nothing), 1);
});

test("a rate that moves from minute to minute, the same for all pods, adds nothing", () => {
  assert.equal(
    dispersionOf([
      [pod(1_000, 1), pod(1_000, 1)],
      [pod(1_000, 300), pod(1_000, 300)],
    ]),
    1,
  );
});
