import assert from "node:assert/strict";
import test from "node:test";
import { readReports, stamp } from "../../../src/adapters/github/comment-marker.ts";

test("the releases that a comment remembers are read back, newest first", () => {
  const lines = ["✅ 2026-01-31: released, `v2` --> 100%", "❌ 2026-01-30: rolled back"];
  const body = ["### shop", ...lines.map((line, index) => stamp(1_000 - index, line)), "text"].join("\n");
  assert.deepEqual(readReports(body), [
    { startedAt: 1_000, line: lines[0] },
    { startedAt: 999, line: lines[1] },
  ]);
});

test("one that somebody edited by hand is forgotten, and the others are not", () => {
  const body = ["<!-- release 5%E0%A4%A -->", stamp(4, "kept"), "<!-- release four kept -->"].join("\n");
  assert.deepEqual(readReports(body), [{ startedAt: 4, line: "kept" }]);
});
