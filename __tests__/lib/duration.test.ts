import assert from "node:assert/strict";
import test from "node:test";
import { formatDuration } from "../../src/lib/duration.ts";

test("a length has at most two units, and is never negative", () => {
  for (const [millis, text] of [
    [-562_883, "0 ms"],
    [0, "0 ms"],
    [999, "999 ms"],
    [1_500, "1.5 s"],
    [90_000, "1 m 30 s"],
    [90_061_000, "1 d 1 h"],
  ] as const)
    assert.equal(formatDuration(millis), text);
});
