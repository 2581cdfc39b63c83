import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { holds } from "../../../sandbox/composite/expression.ts";
import { parseOutputs } from "../../../sandbox/composite/file-commands.ts";
import { type Outputs, outputs } from "../../../src/adapters/actions/outputs.ts";
import type { Account } from "../../../src/release/account.ts";
import { told } from "../../support/told.ts";
import { evidenceSamples } from "../../words/evidence-tale.ts";
import { samples } from "../../words/sample.ts";

function bench(t: TestContext): {
  readonly reporter: Outputs;
  readonly read: () => Readonly<Record<string, string>>;
  readonly text: () => string;
} {
  const folder = mkdtempSync(join(tmpdir(), "outputs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "output");
  writeFileSync(file, "");
  process.env.GITHUB_OUTPUT = file;
  return {
    reporter: outputs("canary-report.json", assert.ifError),
    read: () => parseOutputs(readFileSync(file, "utf8")),
    text: () => readFileSync(file, "utf8"),
  };
}

const sample = (name: string): Account => samples[name] ?? assert.fail(`no sample ${name}`);

test("outputs are written as the release goes on", (t) => {
  const { reporter, read } = bench(t);
  reporter.report(sample("running"));
  assert.deepEqual(read(), {
    phase: "baking",
    stage: "2",
    weight: "25",
    image: "ghcr.io/acme/reviews:1.4.0",
    cluster: "",
    "failed-requests": "0",
    "next-command": "istio-canary rollback --namespace shop --service reviews",
    "observed-split": '{"stable":75.7,"canary":24.3,"requests":{"stable":909,"canary":291}}',
    because: "stage 25% goes on for 4m",
    outcome: "",
    settled: "",
    logs: "",
    report: "canary-report.json",
  });
});

const endings = [
  ["succeeded-swap", "succeeded", "true"],
  ["rolled-back-errors", "rolled-back", "true"],
  ["waiting", "waiting", "true"],
  ["failed-promoting", "failed", "false"],
  ["not-settled", "succeeded", "false"],
] as const;

for (const [name, outcome, settled] of endings) {
  test(`a release that is ${name.replaceAll("-", " ")} ends as ${outcome}, settled: ${settled}`, (t) => {
    const { reporter, read } = bench(t);
    reporter.report(sample("running"));
    reporter.report(sample(name));
    assert.equal(read().outcome, outcome);
    assert.equal(read().settled, settled);
  });
}

for (const [what, more] of [
  ["a cluster that could not be read again", { unread: true }],
  ["an end that the journal does not have", { unsaved: "no answer" }],
  [
    "a rollback that failed and is tried again",
    { state: { phase: "failed", during: "rolling-back", returned: false, reason: told("no answer") } },
  ],
] as const satisfies readonly (readonly [string, Partial<Account>])[]) {
  test(`of ${what} the first step does not say whether it is settled: the second finds out`, (t) => {
    const { reporter, read } = bench(t);
    reporter.report({ ...sample("not-settled"), ...more });
    assert.equal(read().settled, "");
  });
}

test("the second step of the action leaves a release alone that is held, although the first one fails", (t) => {
  const settleWhen =
    /^ +id: settle$|^ +if: (.+)$/m.exec(readFileSync(join(import.meta.dirname, "../../../action.yml"), "utf8"))?.[1] ??
    assert.fail();
  const runsAfter = (outputs: Readonly<Record<string, string>>): boolean =>
    holds(
      settleWhen,
      { inputs: { command: "release" }, steps: { canary: { outputs } } },
      { failed: true, cancelled: false },
    );
  const { reporter, read } = bench(t);
  reporter.report(evidenceSamples.extended);
  assert.equal(runsAfter(read()), true, "of a job that dies while the stage is extended the release is ended");
  reporter.report(evidenceSamples["held-undecided"]);
  assert.equal(read().outcome, "waiting");
  assert.equal(runsAfter(read()), false);
});

test("the observed split leaves out the first scrape of a stage as soon as there is another", (t) => {
  const { reporter, read } = bench(t);
  const account = sample("rolled-back-errors");
  const [first] = account.stages.slice(-1);
  reporter.report({ ...account, stages: [{ ...(first ?? assert.fail()), served: { stable: 75, canary: 25 } }] });
  assert.equal(read()["observed-split"], '{"stable":75,"canary":25,"requests":{"stable":75,"canary":25}}');
});

test("no request counted is no split of zero", (t) => {
  const { reporter, read } = bench(t);
  reporter.report(sample("never-started"));
  assert.equal(read()["observed-split"], "");
  assert.equal(read().stage, "");
});

test("a sentence of several lines is one, so that it writes no other output, and is no command for whoever repeats it", (t) => {
  const { reporter, read } = bench(t);
  reporter.report({
    ...sample("running"),
    reason: told("one\nsettled=true\n::error::no\nsettled<<EOF\ntrue\nEOF\n##[error]no"),
  });
  assert.equal(read().settled, "");
  assert.equal(read().because, "one settled=true : :error::no settled<<EOF true EOF ## [error]no");
});

test("what has not changed is not written again", (t) => {
  const { reporter, text } = bench(t);
  reporter.report(sample("running"));
  const before = text();
  reporter.report(sample("running"));
  assert.equal(text(), before);
});

test("others may set an output", (t) => {
  const { reporter, read } = bench(t);
  reporter.set("comment-url", "https://github.com/acme/shop/pull/7#issuecomment-1");
  assert.equal(read()["comment-url"], "https://github.com/acme/shop/pull/7#issuecomment-1");
});

test("what cannot be written is told, and thrown at nobody: the exit code must not hang on it", (t) => {
  bench(t);
  process.env.GITHUB_OUTPUT = "/dev/full";
  const failures: unknown[] = [];
  const reporter = outputs("canary-report.json", (error) => failures.push(error));
  reporter.set("settled", "true");
  reporter.report(sample("running"));
  assert.ok(failures.length > 1);
  assert.ok(failures.every((error) => error instanceof Error && error.message.includes("ENOSPC")));
});

test("a plan has outputs of its own: what refuses, everything that was found, how long, which image and cluster", async (t) => {
  const { reporter, read } = bench(t);
  const { target, plan, run } = sample("running");
  const cluster = { context: "prod", host: "10.0.0.1" };
  const planned = {
    ...{ cluster, target, exchanged: false, plan, allowed: false },
    detectability: { because: "nothing is counted" },
    findings: [
      { level: "warn", what: "a" },
      { level: "refuse", what: "b", next: "c" },
    ],
  } as const;
  await reporter.notice({ kind: "planned", planned, subject: target, cluster, run, at: 0 });
  assert.deepEqual(read(), {
    errors: "1",
    findings: '[{"level":"warn","because":"a"},{"level":"refuse","because":"b","next":"c"}]',
    duration: "720",
    image: "ghcr.io/acme/reviews:1.4.0",
    cluster: "prod",
  });
});
