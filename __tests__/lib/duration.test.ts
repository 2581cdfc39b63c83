import assert from "node:assert/strict";
import test from "node:test";
import { formatDuration } from "../../src/lib/duration.ts";

test("a length has at most two units, and is never negative", () => {
  for (const [millis, text] of [
    [-562_883, "0ms"],
    [0, "0ms"],
    [999, "999ms"],
    [1_500, "1.5s"],
    [90_000, "1m30s"],
    [90_061_000, "1d1h"],
  ] as const)
    assert.equal(formatDuration(millis), text);
});
