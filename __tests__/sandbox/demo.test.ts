import assert from "node:assert/strict";
import test from "node:test";
import type { Act } from "../../sandbox/demo/act.ts";
import { checks, figures } from "../../sandbox/demo/ending.ts";
import { rendered } from "../../sandbox/demo/markdown.ts";
import { opening, stages } from "../../sandbox/demo/opening.ts";
import { byLine, shownLine } from "../../sandbox/demo/runner-log.ts";

test("a comment is shown as GitHub shows it: markers hidden, tables in columns, references decoded, long parts folded", () => {
  const comment = [
    "<!-- istio-canary environment=a -->\n<!-- release 1 x -->\n### ✅ shop/reviews: released",
    "Stable <code>reviews&#95;v1</code>, **why** &lt;b&gt; [Run](<https://example.com/a_(b)>)",
    "| Stage | Value |\n| --- | --: |\n| 1 | 0% |\n| 2 long | 18.8% |",
    "```text\nplanned  **██**\n```",
    "> [!WARNING]\n> * one",
    "<details><summary>What happened</summary>\n\n* a\n* b\n* c\n* d\n\n</details>",
    "<details><summary>Earlier</summary>\n\n* e\n\n</details>",
    "**Evidence**:<br><sub>harm E = 1 &lt; 20</sub>",
  ].join("\n\n");
  assert.equal(
    rendered(comment),
    [
      "✅ shop/reviews: released",
      "Stable reviews_v1, why <b> Run↗",
      "Stage   Value\n1          0%\n2 long  18.8%",
      "planned  **██**",
      "WARNING:\n  * one",
      "▸ What happened (4 lines)",
      "▾ Earlier\n* e",
      "Evidence:\nharm E = 1 < 20",
    ].join("\n\n"),
  );
});

test("the log is shown as GitHub's page shows it", () => {
  const lines = [
    "::add-mask::secret",
    "::group::Promote",
    "11:00:00  done",
    "::endgroup::",
    "::warning title=Istio Canary::two%0Alines, 5%25",
    "::notice title=x::again",
    "",
  ];
  assert.deepEqual(lines.map(shownLine), [
    undefined,
    "  Promote",
    "  11:00:00  done",
    undefined,
    "  warning: two lines, 5%",
    undefined,
    undefined,
  ]);
});

test("a line that comes in pieces is one line", () => {
  const heard: string[] = [];
  const hear = byLine((line) => heard.push(line));
  for (const piece of ["a", "b\nc", "\n\nd"]) hear(piece);
  assert.deepEqual(heard, ["ab", "c", ""]);
});

const before = { "Deployment reviews": "registry.example/reviews:v1", "VirtualService reviews": "stable" };
const released = { ...before, "Deployment reviews": "registry.example/reviews:v2" };
const afterwards = { requests: 50, bad: 0, byVersion: { v2: 50 } };
const ended = (conclusion: "success" | "failure", outcome: string): Act["result"] => ({
  conclusion,
  outputs: { outcome, settled: "true" },
  steps: [],
});
const good: Act = {
  result: ended("success", "succeeded"),
  before,
  after: released,
  counts: { requests: 100, bad: 0, byVersion: { v1: 60, v2: 40 } },
  afterwards,
  routedAt: 1,
};
const bad: Act = {
  result: ended("failure", "rolled-back"),
  before: released,
  after: released,
  counts: { requests: 90, bad: 4, byVersion: { v2: 80, v3: 10 }, firstBad: 1_000, lastBad: 2_000 },
  afterwards,
  routedAt: 3_500,
};
const comment = { id: 1, pull: 7, author: "github-actions[bot]", body: "", url: "", edits: 1 };
const gitHub = { comments: [comment], violations: [] };
const failing = (
  acts: { readonly good: Act; readonly bad: Act },
  seen: Parameters<typeof checks>[1] = gitHub,
): number => checks(acts, seen).filter(({ holds }) => !holds).length;

test("the demo is content when everything it claims is so, and names each thing that is not", () => {
  assert.equal(failing({ good, bad }), 0);
  const wrong: readonly (readonly [Act, Act])[] = [
    [{ ...good, result: ended("failure", "succeeded") }, bad],
    [{ ...good, counts: { ...good.counts, bad: 1 } }, bad],
    [{ ...good, after: { ...released, "Deployment reviews-canary": "left" } }, bad],
    [good, { ...bad, result: { ...bad.result, outputs: { outcome: "rolled-back", settled: "false" } } }],
    [good, { ...bad, counts: { ...bad.counts, bad: 0 } }],
    [good, { ...bad, after: { ...released, "VirtualService reviews": "stable 80, canary 20" } }],
    [good, { ...bad, afterwards: { requests: 50, bad: 0, byVersion: { v2: 49, v3: 1 } } }],
  ];
  assert.deepEqual(
    wrong.map(([one, other]) => failing({ good: one, bad: other })),
    wrong.map(() => 1),
  );
  assert.equal(failing({ good, bad }, { comments: [comment, comment], violations: [] }), 1);
  assert.equal(failing({ good, bad }, { comments: [comment], violations: ["POST /x"] }), 1);
});

test("the figures are what was counted", () => {
  const text = figures({ good, bad });
  for (const row of [
    /requests of the customers +100 +90$/m,
    /answered by +v1 60, v2 40 +v2 80, v3 10$/m,
    /bad answers +0 +4$/m,
    /first bad answer to rollback +— +2\.5s$/m,
  ])
    assert.match(text, row);
});

test("the demo opens with a picture of the stages that it plays", () => {
  const weights = [...opening().matchAll(/(\d+)% {3}/g)].map(([, weight]) => weight);
  assert.deepEqual(weights, ["0", ...stages.split(", ").map((stage) => stage.replace(/:.*/, ""))]);
  assert.match(opening(), /^ {2}stage 1, 4s {2}old █{16}░{4} new {2}20% {3}/m);
});
