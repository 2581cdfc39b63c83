import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { quantileOf } from "../../src/evidence/quantile.ts";

const buckets = [
  { le: 10, count: 7 },
  { le: 100, count: 90 },
  { le: 1_000, count: 99 },
  { le: Infinity, count: 100 },
];

const table = [
  { quantile: 0.07, edge: 10, why: "the bucket is full to the request: 0.07 * 100 in floating point is more than 7" },
  { quantile: 0.08, edge: 100, why: "one more lies in the next bucket" },
  { quantile: 0.5, edge: 100, why: "an edge, no interpolation" },
  { quantile: 0.99, edge: 1_000, why: "99 of 100" },
  { quantile: 0.999, edge: Infinity, why: "slower than every edge" },
  { quantile: 1, edge: Infinity, why: "the slowest" },
];
for (const { quantile, edge, why } of table) {
  test(`the ${quantile} quantile is at most ${edge}ms: ${why}`, () =>
    assert.equal(quantileOf(buckets, quantile), edge));
}

test("without requests there is no quantile", () => {
  assert.equal(quantileOf([], 0.5), undefined);
  assert.equal(
    quantileOf(
      buckets.map(({ le }) => ({ le, count: 0 })),
      0.5,
    ),
    undefined,
  );
});

test("at least the asked-for share of requests is within the edge, and less than it within the edge before", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 999 }), (inEach, permille) => {
      const upTo = (index: number): number => inEach.slice(0, index + 1).reduce((total, size) => total + size, 0);
      const cumulated = inEach.map((_, index) => ({
        le: index === inEach.length - 1 ? Infinity : 2 ** index,
        count: upTo(index),
      }));
      const sum = upTo(inEach.length);
      const edge = quantileOf(cumulated, permille / 1_000);
      if (sum === 0) return edge === undefined;
      const index = cumulated.findIndex(({ le }) => le === edge);
      const within = cumulated[index]?.count ?? Number.NaN;
      const before = cumulated[index - 1]?.count ?? 0;
      return within * 1_000 >= permille * sum && before * 1_000 < permille * sum; // whole numbers: exact
    }),
  );
});
