import assert from "node:assert/strict";
import test from "node:test";
import { answerSummary, refusalSummary } from "../../src/words/answer-summary.ts";

test("a plan stands in the summary as it was printed, whatever fences are in it", () => {
  assert.equal(
    answerSummary("plan", "shop/@ada", "one\n```\ntwo"),
    "### Istio Canary plan shop/@&#8203;ada\n\n````text\none\n```\ntwo\n````",
  );
});

test("a refusal is a line for each reason, and nothing of it is markup", () => {
  const text = ["stages: expected weights", "", "<b>x</b>", ...Array.from({ length: 60 }, (_, index) => `${index}`)];
  const lines = refusalSummary("release", text.join("\n")).split("\n");
  assert.deepEqual(lines.slice(0, 4), [
    "### ❌ Istio Canary release: refused, and nothing was changed",
    "",
    "* stages: expected weights",
    "* &lt;b&gt;x&lt;/b&gt;",
  ]);
  assert.equal(lines.at(-1), "* … and 12 more lines, in the log");
});
