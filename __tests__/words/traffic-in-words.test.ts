import assert from "node:assert/strict";
import test from "node:test";
import { trafficInWords } from "../../src/words/traffic-in-words.ts";

test("traffic is said in words, also where nothing failed", () => {
  assert.equal(trafficInWords({ rate: 0.2, baseline: 0.001 }), "0.2 requests per second, of which 0.1% fail");
  assert.equal(trafficInWords({ rate: 50, baseline: 0 }), "50 requests per second, of which none failed");
});
