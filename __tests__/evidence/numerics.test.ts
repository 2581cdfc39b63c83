import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { logBeta, logChoose, logGamma, logRising, logSumExp } from "../../src/evidence/numerics.ts";
import { close } from "./close.ts";
import { div, ln, mul, quotient, real, rising, toNumber } from "./exact.ts";

test("ln Γ at whole numbers is the logarithm of the factorial, to 1e-13", () => {
  for (const n of [1, 2, 3, 4, 7, 9, 10, 11, 20, 100, 1_000])
    close(logGamma(n), toNumber(ln(rising(real(1), n - 1))), 1e-13);
});

test("ln Γ at halves is the logarithm of √π times a product, to 1e-13", () => {
  const halfLnPi = 0.5723649429247001;
  for (const n of [1, 2, 3, 5, 9, 10, 40])
    close(logGamma(n + 0.5), halfLnPi + toNumber(ln(rising(quotient(1, 2), n))), 1e-13);
});

test("ln Γ keeps its digits next to its zeros at 1 and 2", () => {
  const eulerGamma = 0.5772156649015329;
  close(logGamma(1 + 2 ** -30), -eulerGamma * 2 ** -30 + (Math.PI ** 2 / 12) * 2 ** -60, 1e-13);
  close(logGamma(2 + 2 ** -30), (1 - eulerGamma) * 2 ** -30 + (Math.PI ** 2 / 12 - 0.5) * 2 ** -60, 1e-13);
  assert.equal(logGamma(1), 0);
  assert.equal(logGamma(2), 0);
});

test("ln Γ follows Γ(x + 1) = x Γ(x) across every seam of its parts", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), (x) => {
      const size = Math.max(Math.abs(logGamma(x)), Math.abs(Math.log(x)), 1e-3);
      assert.ok(Math.abs(logGamma(x + 1) - logGamma(x) - Math.log(x)) < 1e-13 * size * 4);
    }),
  );
});

test("the logarithm of a rising product is that of the product, from parts of one to 10^9", () => {
  for (const [a, n] of [
    [0.1, 20],
    [5, 100],
    [9.9, 17],
    [500, 5_500],
    [123_456_789, 40],
    [1e9, 3_000],
  ] as const)
    close(logRising(a, n), toNumber(ln(rising(real(a), n))), 1e-13);
});

test("ln B follows from rising products: B(a, n + 1) = n! / (a (a+1) … (a+n))", () => {
  for (const [a, n] of [
    [0.3, 4],
    [7, 7],
    [12.5, 30],
    [2_000, 900],
    [1e9, 12],
    [1e6, 2_000],
  ] as const) {
    const exact = div(rising(real(1), n), rising(real(a), n + 1));
    close(logBeta(a, n + 1), toNumber(ln(exact)), 1e-13);
    close(logBeta(n + 1, a), toNumber(ln(exact)), 1e-13);
  }
});

test("the ways to choose k of n are Pascal's", () => {
  close(logChoose(52, 5), Math.log(2_598_960), 1e-13);
  close(logChoose(1_000, 300), toNumber(ln(div(rising(real(701), 300), mul(rising(real(1), 300), real(1))))), 1e-13);
  assert.equal(logChoose(9, 0), 0);
  assert.equal(logChoose(9, 9), 0);
});

test("a sum of exponentials neither overflows nor loses a term that is far smaller", () => {
  assert.equal(logSumExp([]), -Infinity);
  assert.equal(logSumExp([-Infinity, 3]), 3);
  close(logSumExp([1_000, 1_000]), 1_000 + Math.LN2);
  close(logSumExp([-2_000, -2_000, -2_000]), -2_000 + Math.log(3));
});
