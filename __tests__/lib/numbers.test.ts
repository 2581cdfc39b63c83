import assert from "node:assert/strict";
import test from "node:test";
import { count, number, numbersApart, percent } from "../../src/lib/numbers.ts";

test("a share has three digits that count, and is never rounded to all or to nothing", () => {
  assert.deepEqual([0, 1e-5, 0.00065, 0.0314, 0.07, 0.1234, 0.5, 0.9934, 0.9996, 0.99999, 1].map(percent), [
    "0%",
    "0.001%",
    "0.065%",
    "3.14%",
    "7%",
    "12.3%",
    "50%",
    "99.3%",
    "99.9%",
    "99.9%",
    "100%",
  ]);
});

test("numbers have three digits that count, whole ones all of them, and thousands commas", () => {
  assert.deepEqual([0, 0.2, 2.125, 13.456, 149.6, 999.7, 2_000, 12_345.6, 1_234_567].map(number), [
    "0",
    "0.2",
    "2.13",
    "13.5",
    "150",
    "1,000",
    "2,000",
    "12,346",
    "1,234,567",
  ]);
  assert.deepEqual([-0.2, -12_345.6].map(number), ["-0.2", "-12,346"]);
  assert.deepEqual([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
});

test("numbers beside each other have as many digits as tell them apart", () => {
  assert.deepEqual(numbersApart([1, 1.0004]), ["1", "1.0004"]);
  assert.deepEqual(numbersApart([-123_400, -123_400.4]), ["-123400", "-123400.4"]);
  assert.deepEqual(numbersApart([1, 1, 2.125]), ["1", "1", "2.13"]);
});
