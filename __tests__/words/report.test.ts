import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { plain } from "../../src/lib/markdown.ts";
import type { Account } from "../../src/release/account.ts";
import type { Gate } from "../../src/release/gate.ts";
import { proofIn } from "../../src/words/evidence-part.ts";
import { longestComment, renderReport } from "../../src/words/report.ts";
import { verdictSentence } from "../../src/words/verdict-sentence.ts";
import { told } from "../support/told.ts";
import { evidenceSamples, evidenceTales } from "./evidence-tale.ts";
import { entered, links, plan, samples, start, tallyOf, target } from "./sample.ts";

const sample = (name: string): Account => samples[name] ?? assert.fail(`no sample ${name}`);

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("<!-- istio-canary", "-->", "|", "```", "</details>", "@ada", "\n### ", "\n\n"),
    ),
  )
  .map((parts) => parts.join(""));

test("whatever comes from outside, the report keeps its own structure", () => {
  fc.assert(
    fc.property(hostile, hostile, (reason, name) => {
      const account: Account = {
        ...sample("not-settled"),
        target: { ...target, namespace: name, image: name, canary: { ...target.canary, deployment: name } },
        run: { id: name, actor: name },
        reason: told(reason),
        warnings: [reason],
        differences: [reason],
        log: [{ at: start, do: "route", reason: told(reason) }],
        stages: [0, 1].map((stage) => ({
          ...entered(stage, start, tallyOf([1, 0], [1, 0])),
          verdicts: [
            { gate: reason, kind: "no-data", figures: { of: "query", missing: { what: "answer", words: name } } },
            { gate: name, kind: "no-data", figures: { of: "evidence", missing: { what: "counters", words: reason } } },
          ],
        })),
      };
      const report = renderReport(account, { dashboards: { [name]: "https://grafana.example.com/{canary}" } });
      const outside = report.replace(/^(```+)sh\n[\s\S]*?\n\1$/gm, ""); // commands are code as a whole, up to a fence as long as the first
      assert.equal(outside.match(/^### /gm)?.length, 1);
      assert.equal(outside.match(/<!--/g), null);
      assert.equal(outside.match(/<details>/g)?.length, outside.match(/<\/details>/g)?.length);
      assert.equal(
        outside.match(/^\| .* \|$/gm)?.every((row) => row.split(" | ").length === 9 || row.includes("---")),
        true,
      );
    }),
  );
});

test("a report is never longer than its limit, and the newest of the story is what is kept", () => {
  const log = Array.from({ length: 200 }, (_, index) => ({
    at: start + index * 1_000,
    do: "route",
    reason: told(`step ${index} ${"x".repeat(390)}`),
  }));
  for (const limit of [3_000, 10_000, longestComment]) {
    const report = renderReport({ ...sample("running"), log }, links, limit);
    assert.ok(report.length <= limit, `${report.length} > ${limit}`);
    assert.match(report, limit === 3_000 ? /step 199/ : /\* …\n[\s\S]*step 199|step 0 [\s\S]*step 199/);
  }
});

test("dashboards are filled with the release's versions and time, encoded", () => {
  const dashboards = {
    Grafana:
      "https://g.example.com/?ns={namespace}&svc={service}&a={stable}&b={canary}&from={from}&to={to}&keep={other}",
  };
  const account = { ...sample("running"), target: { ...target, namespace: "a&b" }, startedAt: 1, now: 2 };
  assert.match(
    renderReport(account, { dashboards }),
    /\[Grafana\]\(<https:\/\/g\.example\.com\/\?ns=a%26b&svc=reviews&a=reviews-v1&b=reviews-v2&from=1&to=2&keep={other}>\)/,
  );
});

test("a stage without a request shows no share instead of zero", () => {
  const account = { ...sample("running"), stages: [entered(0, start, tallyOf([0, 0], [0, 0]))] };
  const report = renderReport(account, links);
  assert.match(report, /^\| ❔ \| 1\u00a0·\u00a010% \| — \| — \| 0 \|/m);
  assert.match(report, /^\* ❔ stage 1, errors has no data: no request of the canary was counted$/m);
});

test("the split is told where it is not as planned, beyond chance, and nowhere else", () => {
  const withSplit = (stable: number, canary: number): string => {
    const stages = [entered(0, start, tallyOf([stable, 0], [canary, 0]))];
    return renderReport({ ...sample("running"), stages }, links);
  };
  assert.match(withSplit(980, 20), /was to give the canary 10% of the requests; it got 2% \(20 of 1,000\)/);
  assert.doesNotMatch(withSplit(905, 95), /was to give/);
  assert.doesNotMatch(withSplit(9, 3), /was to give/);
});

test("the heading has the version before, the new one, and the number that decided", () => {
  const [heading] = renderReport(sample("rolled-back-errors"), links).split("\n");
  assert.equal(
    heading,
    "### ❌ shop/reviews 1.3.9 → 1.4.0 rolled back at 25% (stage 2 of 3), all users are on 1.3.9 again: errors 20%, limit ≤ 1%",
  );
  const digest = `ghcr.io/acme/reviews@sha256:${"ab".repeat(32)}`;
  const other = { ...sample("succeeded-swap"), replacedImage: "reviews", target: { ...target, image: digest } };
  assert.match(renderReport(other, links), /^### ✅ shop\/reviews latest → sha256:abababababab released in /);
});

test("what users felt is told of a version that was given up, and of a good one nothing", () => {
  assert.match(renderReport(sample("rolled-back-errors"), links), /\*\*12 requests of the canary failed\*\*/);
  assert.doesNotMatch(renderReport(sample("succeeded-swap"), links), /of the canary failed/);
});

test("a first deployment without stages has no table", () => {
  const account: Account = { ...sample("succeeded-swap"), plan: { ...plan, stages: [] }, stages: [], log: [] };
  const report = renderReport(account, links);
  assert.doesNotMatch(report, /\| Stage|Timeline/);
  assert.match(report, /### ✅ shop\/reviews 1\.3\.9 → 1\.4\.0 released in 12m44s\n/);
});

const failures: readonly (readonly [gate: Gate, look: RegExp])[] = [
  [
    { kind: "latency", name: "latency", quantile: 0.99, minRequests: 50, noData: "wait" },
    /at the slow answers of <code>reviews-v2<\/code>/,
  ],
  [{ kind: "restarts", name: "restarts", atMost: 0 }, /at why the containers of <code>reviews-v2<\/code> restarted/],
  [
    { kind: "query", name: "orders", query: 'sum(rate(orders{v="2"}[1m]))', tolerate: 0, noData: "wait" },
    /at what <code>sum\(rate\(orders\{v="2"\}&#91;1m&#93;\)\)<\/code> measures/,
  ],
];

for (const [gate, look] of failures) {
  test(`the first thing to look at after a failing ${gate.kind} gate is named`, () => {
    const account = sample("rolled-back-errors");
    const [stage] = plan.stages;
    assert.ok(stage);
    const failing = { kind: "fail", gate: gate.name, figures: { of: "restarts", restarts: 1, allowed: 0 } } as const;
    const report = renderReport(
      {
        ...account,
        plan: { ...plan, stages: [{ ...stage, gates: [gate] }] },
        stages: [{ ...entered(0, start, tallyOf([1, 0], [1, 0])), verdicts: [failing] }],
      },
      links,
    );
    assert.match(report, look);
  });
}

test("a rollback that no gate asked for points to the story", () => {
  const account = sample("rolled-back-errors");
  const stages = account.stages.map((stage) => ({
    ...stage,
    verdicts: stage.verdicts.filter(({ kind }) => kind === "pass"),
  }));
  assert.match(
    renderReport({ ...account, reason: told("the job was cancelled"), stages }, links),
    /\*\*Look first\*\* at what happened, below/,
  );
});

test("a name that a shell would take apart is one word in a command", () => {
  const report = renderReport({ ...sample("waiting"), target: { ...target, service: "a'; rm -rf b" } }, links);
  assert.match(report, /^istio-canary promote .* --service 'a'\\''; rm -rf b' --context prod-eu-1$/m);
});

const decidedOn = (name: keyof typeof evidenceTales): string =>
  renderReport(evidenceTales[name].at(-1) ?? assert.fail(), links);

test("a row of evidence says safe where safety is proven, and undecided where neither is", () => {
  assert.match(decidedOn("proven-safe"), /^\| ✅ \| 1\u00a0/m);
  assert.match(decidedOn("proven-safe"), /^\| ✅ safe \| 3\u00a0/m);
  assert.match(decidedOn("held-undecided"), /^\| ⏳ \| 1\u00a0/m);
  assert.match(decidedOn("held-without-data"), /^\| ❔ \| 1\u00a0/m);
  assert.match(decidedOn("rolled-back-by-the-breaker"), /^\| ❌ \| 1\u00a0/m);
});

test("a finding that is the release's reason is told once, with its numbers below the table", () => {
  const { verdict, numbers } = proofIn(evidenceSamples["rolled-back-by-evidence"].stages.at(-1)) ?? assert.fail();
  const because = verdictSentence(verdict);
  const [before, below] = renderReport({ ...evidenceSamples["rolled-back-by-evidence"], log: [] }, links).split(
    "<summary>Why this is not chance</summary>",
  );
  assert.ok(before?.includes(`**Why:** ${because}`));
  assert.ok(below?.includes(`<sub>${plain(numbers)}</sub>`));
  assert.ok(!below?.includes(because));
});

test("evidence that is not why the release ended is told with its sentence, not only in numbers", () => {
  const account = { ...evidenceSamples["rolled-back-by-evidence"], reason: told("the job was cancelled"), log: [] };
  const { verdict } = proofIn(account.stages.at(-1)) ?? assert.fail();
  const [, below] = renderReport(account, links).split("**Evidence:** ");
  assert.ok(below?.startsWith(verdictSentence(verdict)), below);
});

test("what was proven in each stage is folded, and what stands above is not said twice", () => {
  const { verdict } = proofIn(evidenceSamples["passed-by-evidence"].stages[0]) ?? assert.fail();
  const because = verdictSentence(verdict);
  const fold = /<details><summary>How certain this is<\/summary>\n\n([\s\S]*?)\n\n<\/details>/.exec(
    decidedOn("passed-by-evidence"),
  )?.[1];
  assert.equal(fold?.match(/^\* Stage/gm)?.length, 3);
  assert.match(fold ?? "", /^\* Stage 3 \(50%\)<br>/m);
  assert.ok(fold?.includes(`* Stage 1 (10%): ${because}`));
});

test("after a rollback by hand nobody is sent to look for what somebody knew", () => {
  const reason = { kind: "rollback-wanted", actor: "ada" } as const;
  const account = { ...sample("rolled-back-errors"), reason, state: { phase: "rolled-back", reason } } as const;
  const report = renderReport({ ...account, stages: evidenceSamples["passed-by-evidence"].stages }, links);
  assert.match(report, /\*\*Why:\*\* rolled back by hand, by ada/);
  assert.doesNotMatch(report, /Look first/);
});

test("a stage without evidence has none below the table", () => {
  assert.doesNotMatch(renderReport(sample("running"), links), /Evidence/);
});

const decisions = [
  ["held-undecided", /None of its requests failed; there were too few\./, /evidence\.inconclusive/],
  ["held-without-data", /Find out why no request of <code>reviews-v2<\/code> is counted/, /evidence\.noData/],
  ["held-by-the-split", /Find out which callers bypass the route/, /evidence\.splitTolerance/],
  ["held-by-the-budget", /None of its requests failed; there were too few\./, /evidence\.budget/],
] as const;

for (const [name, look, setting] of decisions) {
  test(`somebody who is called to a release that is ${name.replaceAll("-", " ")} reads what is at stake, where to look, and both commands`, () => {
    const report = decidedOn(name);
    assert.match(report, /the canary keeps its weight of 10%, and nobody watches it until then/);
    assert.match(report, look);
    assert.match(
      report,
      /^istio-canary promote --namespace shop --service reviews\nistio-canary rollback --namespace shop --service reviews$/m,
    );
    assert.match(report, setting);
  });
}

test("who has to approve reads which image waits, also where it stood in the manifest alone", () => {
  const { image, ...rest } = target;
  const judged = { image: "registry.test/pay:v6", digests: {} };
  assert.match(
    renderReport({ ...sample("waiting"), target: rest, judged }, links),
    /, image <code>registry\.test\/pay:v6<\/code>/,
  );
});

test("an undo between two Deployments says from which to which, and calls none stable that has no requests any more", () => {
  const report = renderReport(sample("undone"), links);
  assert.match(report, /^Undo from <code>reviews-v2<\/code> back to <code>reviews-v1<\/code>/m);
  assert.doesNotMatch(report, /Stable <code>|the stable version/);
});
