import assert from "node:assert/strict";

/** Fails unless `actual` is `expected` but for a part of 10^-9. */
export function close(actual: number, expected: number, relative = 1e-9): void {
  const off = Math.abs(actual - expected);
  assert.ok(
    off <= relative * Math.abs(expected) || off < 1e-15,
    `${actual} is not ${expected} (off by ${off / Math.abs(expected)} of it)`,
  );
}

/** The same for every number of two lists. */
export function alike(actual: readonly number[], expected: readonly number[], relative = 1e-9): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of actual.entries()) close(value, expected[index] ?? Number.NaN, relative);
}

/** Fails unless every number lies between the two. */
export function within(values: readonly number[], low: number, high: number): void {
  for (const value of values) assert.ok(value >= low && value <= high, `${value} is not between ${low} and ${high}`);
}

/** What likelihood ratios are on average: the sum over all outcomes of their chance times what each bet then pays. */
export function averagePay(
  outcomes: readonly { readonly chance: number; readonly logs: readonly number[] }[],
): readonly number[] {
  const pay = outcomes[0]?.logs.map(() => 0) ?? [];
  for (const { chance, logs } of outcomes)
    for (const [j, log] of logs.entries()) pay[j] = (pay[j] ?? 0) + chance * Math.exp(log);
  return pay;
}
