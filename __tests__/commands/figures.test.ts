import assert from "node:assert/strict";
import test from "node:test";
import { number, share, trafficInWords } from "../../src/commands/figures.ts";

test("a share is never rounded to all or to nothing", () => {
  assert.deepEqual([0, 1e-5, 0.00065, 0.0314, 0.1234, 0.5, 0.9934, 0.9996, 0.99999, 1].map(share), [
    "0 %",
    "0.001 %",
    "0.065 %",
    "3.1 %",
    "12.3 %",
    "50 %",
    "99.3 %",
    "99.9 %",
    "99.9 %",
    "100 %",
  ]);
});

test("numbers have three digits that count, and thousands commas", () => {
  assert.deepEqual([0, 0.2, 13.456, 149.6, 2_000, 1_234_567].map(number), [
    "0",
    "0.2",
    "13.5",
    "150",
    "2,000",
    "1,234,567",
  ]);
});

test("traffic is said in words, also where nothing failed", () => {
  assert.equal(trafficInWords({ rate: 0.2, baseline: 0.001 }), "0.2 requests per second, of which 0.1 % fail");
  assert.equal(trafficInWords({ rate: 50, baseline: 0 }), "50 requests per second, of which none failed");
});
