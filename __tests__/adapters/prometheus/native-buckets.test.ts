import assert from "node:assert/strict";
import test from "node:test";
import type { NativeHistogram } from "../../../src/adapters/prometheus/answered.ts";
import { classicOf, keepEdges } from "../../../src/adapters/prometheus/native-buckets.ts";

type Row = readonly [from: number, to: number, count: number];

const native = (...rows: readonly Row[]): NativeHistogram => ({
  labels: {},
  count: rows.reduce((sum, [, , count]) => sum + count, 0),
  sum: 0,
  buckets: rows.map(([from, to, count]) => ({ from, to, count })),
});

/** What is read of a histogram, without the edges at which nothing changes. */
function steps(of: NativeHistogram, beside: readonly NativeHistogram[] = []): readonly (readonly [number, number])[] {
  const all = classicOf(of, keepEdges()([of, ...beside]));
  return all.filter(({ count }, index) => count !== (all[index - 1]?.count ?? 0)).map(({ le, count }) => [le, count]);
}

const half = (power: number): number => 2 ** (power / 2);

const rows: readonly (readonly [what: string, of: NativeHistogram, read: readonly (readonly [number, number])[]])[] = [
  [
    "Envoy's own edges",
    native([5, 10, 3], [10, 25, 4], [100, 250, 1]),
    [
      [10, 3],
      [25, 7],
      [250, 8],
    ],
  ],
  [
    "beyond the last edge",
    native([1, 5, 1], [3_600_000, Infinity, 2]),
    [
      [5, 1],
      [Infinity, 3],
    ],
  ],
  [
    "edges of somebody's own",
    native([-Infinity, 40, 5], [40, 80, 3], [80, 160, 2]),
    [
      [40, 5],
      [80, 8],
      [160, 10],
    ],
  ],
  [
    "an exponential one",
    native([half(13), half(14), 6], [half(14), half(15), 4]),
    [
      [half(14), 6],
      [half(15), 10],
    ],
  ],
  [
    "a finer exponential one",
    native([2 ** 6.25, 2 ** 6.5, 6], [2 ** 6.5, 2 ** 6.75, 4]),
    [
      [half(13), 6],
      [half(14), 10],
    ],
  ],
  [
    "one with a bucket of zeros",
    native([0, 2 ** -128, 2], [64, 128, 1]),
    [
      [1, 2],
      [128, 3],
    ],
  ],
  ["an empty one", native(), []],
];

for (const [what, of, read] of rows)
  test(`a native histogram is read at the same edges at each look: ${what}`, () => {
    assert.deepEqual(
      steps(of).map(([le, count]) => [Math.round(le), count]),
      read.map(([le, count]) => [Math.round(le), count]),
    );
    const all = classicOf(of, keepEdges()([of]));
    assert.deepEqual(all.at(-1), { le: Infinity, count: of.count });
  });

test("one whose requests are all between two of Envoy's edges shows at a finer edge that they take longer", () => {
  const [before, after] = [native([2 ** 6.75, 128, 100]), native([2 ** 7.5, 2 ** 8, 100])];
  assert.deepEqual(
    steps(before, [after]).map(([le]) => le),
    [128],
  );
  assert.deepEqual(
    steps(after, [before]).map(([le]) => le),
    [256],
  );
});

test("edges are decided once, by the first requests that are seen", () => {
  const edges = keepEdges();
  assert.deepEqual([edges([]).includes(25), edges([native()]).includes(25)], [true, true]);
  const first = edges([native([-Infinity, 40, 5], [40, 80, 3])]);
  assert.deepEqual(first, [40, 80]);
  assert.equal(edges([native([-Infinity, 40, 5], [40, 80, 3], [160, 320, 1])]), first);
});
