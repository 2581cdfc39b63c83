import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { logFolder, logFolderBeside } from "../../../src/adapters/files/log-folder.ts";
import { type Report, reportFile, reportOf } from "../../../src/adapters/files/report-file.ts";
import { conclude } from "../../../src/evidence/conclusion.ts";
import { evidenceOf } from "../../../src/evidence/ledger.ts";
import type { Account } from "../../../src/release/account.ts";
import type { KeptLogs } from "../../../src/release/kept-logs.ts";
import { conclusionNumbers } from "../../../src/words/conclusion-numbers.ts";
import { conclusionSentence } from "../../../src/words/conclusion-sentence.ts";
import { accountInWords } from "../../../src/words/in-words.ts";
import { restOfLogs } from "../../../src/words/kept-logs-part.ts";
import { say } from "../../../src/words/say.ts";
import { evidenceSamples, evidenceTales } from "../../words/evidence-tale.ts";
import { samples, start, target } from "../../words/sample.ts";

const [running, succeeded] = [samples.running ?? assert.fail(), samples["succeeded-swap"] ?? assert.fail()];

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "report-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("what a link in the report's place points to is not written to", (t) => {
  const path = folder(t);
  const file = join(path, "canary-report.json");
  for (const link of [file, `${file}.part`]) {
    const victim = `${link}.victim`;
    writeFileSync(victim, "theirs");
    symlinkSync(victim, link);
    reportFile({ file }).report(running);
    assert.equal(readFileSync(victim, "utf8"), "theirs");
    assert.ok(lstatSync(file).isFile());
  }
  assert.equal((JSON.parse(readFileSync(file, "utf8")) as Report).version, 1);
});

test("the JSON report holds the newest account, and no half-written file is left", (t) => {
  const path = folder(t);
  const reporter = reportFile({ file: join(path, "canary-report.json") });
  reporter.report(running);
  reporter.report(succeeded);
  assert.deepEqual(
    JSON.parse(readFileSync(join(path, "canary-report.json"), "utf8")),
    JSON.parse(JSON.stringify({ version: 1, account: accountInWords(succeeded) })),
  );
  assert.deepEqual(readdirSync(path), ["canary-report.json"]);
});

test("at the end the report is written if its newest counts are not, and never for nothing", async (t) => {
  const file = join(folder(t), "canary-report.json");
  const reporter = reportFile({ file });
  await reporter.flush(10);
  assert.ok(!existsSync(file), "nothing was reported");
  reporter.report(running);
  rmSync(file);
  await reporter.flush(10);
  assert.ok(!existsSync(file), "it was written");
  reporter.report({ ...running, now: running.now + 1 });
  assert.ok(!existsSync(file), "nothing but counts has changed");
  await reporter.flush(10);
  assert.equal(read(file).account.now, running.now + 1);
});

test("whoever reads the JSON report while it is written anew has the older one whole", (t) => {
  const file = join(folder(t), "canary-report.json");
  const reporter = reportFile({ file });
  reporter.report(running);
  const before = readFileSync(file, "utf8");
  const reader = openSync(file, "r");
  t.after(() => closeSync(reader));
  reporter.report(succeeded);
  assert.notEqual(readFileSync(file, "utf8"), before);
  assert.equal(readFileSync(reader, "utf8"), before);
});

const read = (file: string): Report => JSON.parse(readFileSync(file, "utf8"));

test("the JSON report holds every poll of the ledger, each on a line of its own", (t) => {
  const file = join(folder(t), "canary-report.json");
  const account = evidenceSamples["passed-by-evidence"];
  reportFile({ file }).report(account);
  assert.deepEqual(read(file).account.ledger, account.ledger);
  const lines = readFileSync(file, "utf8").split("\n");
  assert.equal(account.ledger.polls.length, 48);
  for (const poll of account.ledger.polls)
    assert.ok(
      lines.some((line) => line.trim().replace(/,$/, "") === JSON.stringify(poll)),
      poll,
    );
});

test("what a report holds is enough to judge the release again, with the same words and numbers", (t) => {
  const file = join(folder(t), "canary-report.json");
  reportFile({ file }).report(evidenceSamples["rolled-back-by-evidence"]);
  const { plan, ledger, stages } = read(file).account;
  const conclusion = conclude(evidenceOf(ledger, plan.evidence.settings), plan.evidence.settings);
  const verdict = stages.at(-1)?.verdicts.find(({ gate }) => gate === "evidence");
  const own = verdict && "own" in verdict.figures ? verdict.figures.own : assert.fail();
  assert.deepEqual(
    { because: conclusionSentence(conclusion, own), numbers: conclusionNumbers(conclusion) },
    { because: verdict?.because, numbers: verdict?.numbers },
  );
});

test("the JSON report has the sentences that people read beside the data that they are made of", () => {
  const { because, reason, state, log, stages } = reportOf(evidenceSamples["rolled-back-by-evidence"]).account;
  assert.ok(state.phase === "rolled-back" && "because" in state);
  assert.equal(because, say(reason));
  assert.equal(state.because, because);
  assert.equal(reason.kind, "gate-failed");
  for (const entry of log) assert.equal(entry.because, say(entry.reason));
  const {
    because: sentence,
    value,
    limit,
    requests,
    numbers,
    by,
    kind,
    figures,
  } = stages.at(-1)?.verdicts.find(({ gate }) => gate === "evidence") ?? assert.fail();
  assert.deepEqual([sentence, kind, by, figures.of, requests], [because, "fail", "errors", "evidence", 562]);
  assert.deepEqual([value, limit], ["5.87% failed", "stable 0.296%"]);
  assert.match(numbers ?? "", / · harm E = over 1,000,000 of 20 /);
});

test("a release that is held says so by its state in the JSON report", () => {
  const { state } = reportOf(evidenceSamples["held-undecided"]).account;
  assert.ok(state.phase === "waiting" && "held" in state);
  assert.match(
    state.held,
    /^stage 10% is held for somebody to decide: none of the canary's requests failed \(0 of 14\)/,
  );
});

test("while only counts change the JSON report is written every 10s, and the newest when the job ends", async (t) => {
  const file = join(folder(t), "canary-report.json");
  const reporter = reportFile({ file });
  const after = (seconds: number): Account => ({
    ...evidenceSamples.extended,
    now: evidenceSamples.extended.now + seconds * 1_000,
  });
  const written = (): number => (read(file).account.now - evidenceSamples.extended.now) / 1_000;
  const seen = [0, 4, 8, 12, 16, 20, 22].map((seconds) => {
    reporter.report(after(seconds));
    return written();
  });
  assert.deepEqual(seen, [0, 0, 0, 12, 12, 12, 22]);
  reporter.report(after(24));
  await reporter.flush(1_000);
  assert.equal(written(), 24);
});

test("a gate that changes its mind, a step and the end are in the JSON report at once", (t) => {
  const file = join(folder(t), "canary-report.json");
  const reporter = reportFile({ file });
  const told = [...evidenceTales["held-undecided"], ...evidenceTales["rolled-back-by-evidence"]];
  const kinds = (account: Account): string => {
    const { state, stages, settled } = reportOf(account).account;
    return JSON.stringify([state, settled, stages.map(({ verdicts }) => verdicts.map(({ kind }) => kind))]);
  };
  for (const [index, counted] of told.entries()) {
    const account = { ...counted, now: start + index }; // within no time, so nothing is written because time has passed
    reporter.report(account);
    assert.equal(kinds(read(file).account), kinds(account));
  }
});

test("what somebody waits for is in the JSON report at once: another release, a proof, the last reading", (t) => {
  const file = join(folder(t), "canary-report.json");
  const reporter = reportFile({ file });
  const { stages } = running;
  const proven = stages.map((stage) => ({
    ...stage,
    verdicts: stage.verdicts.map((verdict) => ({ ...verdict, proven: true })),
  }));
  for (const change of [{}, { startedAt: start - 1 }, { stages: proven }, { settled: false }]) {
    const account: Account = { ...running, ...change };
    reporter.report(account);
    assert.deepEqual(read(file), JSON.parse(JSON.stringify(reportOf(account))));
  }
});

for (const metadata of [undefined, null, "reviews", {}])
  test(`a manifest without a name is shown without one: ${JSON.stringify(metadata)}`, () => {
    const object = { apiVersion: "v1", kind: "Secret", metadata, data: { password: "aHVudGVyMjI=" } };
    const source = { from: "manifests", objects: [object] } as const;
    const { source: shown } = reportOf({ ...running, target: { ...target, source } }).account.target;
    const objects = [{ apiVersion: "v1", kind: "Secret", metadata: { name: undefined } }];
    assert.deepEqual(shown, { from: "manifests", objects });
  });

test("of the user's manifests the JSON report shows only what they are", () => {
  const account: Account = {
    ...running,
    target: {
      ...target,
      source: {
        from: "manifests",
        objects: [
          {
            apiVersion: "v1",
            kind: "Secret",
            metadata: { name: "reviews", labels: { a: "b" } },
            stringData: { password: "hunter22" },
          },
        ],
      },
    },
  };
  assert.deepEqual(reportOf(account).account.target.source, {
    from: "manifests",
    objects: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "reviews" } }],
  });
});

test("another release, another state and a last word are written at once, and counts are not", (t) => {
  const path = folder(t);
  for (const [change, isWritten] of [
    [{ startedAt: running.startedAt + 1 }, true],
    [{ state: succeeded.state }, true],
    [{ settled: true }, true],
    [{ now: running.now + 9_999 }, false],
    [{ now: running.now + 10_000 }, true],
  ] as const) {
    const file = join(path, "canary-report.json");
    const reporter = reportFile({ file });
    reporter.report(running);
    rmSync(file);
    reporter.report({ ...running, ...change });
    assert.equal(existsSync(file), isWritten, JSON.stringify(change));
  }
});

test("of manifests without a name the rest is reported", () => {
  const objects = [
    { apiVersion: "v1", kind: "Secret", metadata: null, data: "hidden" },
    { kind: "Service", metadata: {} },
  ];
  const account = { ...running, target: { ...target, source: { from: "manifests", objects } } } as Account;
  assert.deepEqual(JSON.parse(JSON.stringify(reportOf(account).account.target)).source.objects, [
    { apiVersion: "v1", kind: "Secret", metadata: {} },
    { kind: "Service", metadata: {} },
  ]);
});

test("logs lie in a folder that is named after the report, and what else is there stays", (t) => {
  for (const [report, logs] of [
    ["canary-report.json", "canary-logs"],
    ["out/reviews.html", "out/reviews-logs"],
    ["report.json", "canary-logs"],
  ] as const)
    assert.equal(logFolderBeside(report), logs);

  const path = join(folder(t), "new", "canary-logs");
  const log = (pod: string, lines: readonly string[]) => ({ pod, container: "app", previous: false, lines });
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "access.log"), "theirs");
  const reporter = logFolder(path, { report: () => {}, flush: async () => {} }, assert.fail);
  reporter.report(running);
  reporter.report({ ...running, logs: { logs: [log("../v2", ["a"])], left: 0 } });
  reporter.report({
    ...running,
    logs: { logs: [log("../v2", ["a", "b"]), { ...log("v2", ["c"]), previous: true }], left: 0 },
  });
  assert.deepEqual(readdirSync(path).toSorted(), [".._v2.app.log", "access.log", "v2.app.previous.log"]);
  assert.equal(readFileSync(join(path, ".._v2.app.log"), "utf8"), "a\nb\n");
});

test("the folder of the logs is told only of what lies there, and a link in its place is not followed", (t) => {
  const path = folder(t);
  const log = (pod: string) => ({ pod, container: "app", previous: false, lines: ["x"] });
  const theirs = join(path, "theirs");
  mkdirSync(theirs);
  symlinkSync(theirs, join(path, "link"));
  for (const [name, pods, told, warned] of [
    ["link", ["v2"], [], /could not be written to .*link\/: it is a symbolic link/],
    ["long", ["v".repeat(300)], [], /ENAMETOOLONG/],
    [
      "half",
      ["v".repeat(300), "v2"],
      [`The last lines of 1 pod of the canary are in ${join(path, "half")}/.`],
      /ENAMETOOLONG/,
    ],
  ] as const) {
    const kept: KeptLogs[] = [];
    const warnings = new Set<string>();
    const rest = { report: ({ logs }: Account) => void kept.push(logs ?? assert.fail()), flush: async () => {} };
    const reporter = logFolder(join(path, name), rest, (warning) => void warnings.add(warning));
    for (const _ of [1, 2]) reporter.report({ ...running, logs: { logs: pods.map(log), left: 0 } });
    assert.deepEqual(restOfLogs(kept.at(-1) ?? assert.fail()), told);
    assert.match([...warnings].join("\n"), warned);
  }
  assert.deepEqual(readdirSync(theirs), []);
});

test("logs stand in no JSON report: they lie beside it", () => {
  assert.ok(!("logs" in reportOf({ ...running, logs: { logs: [], left: 0 } }).account));
});
