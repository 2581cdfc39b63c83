import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { jobSummary } from "../../../src/adapters/actions/job-summary.ts";
import { renderReport } from "../../../src/words/report.ts";
import { links, samples } from "../../words/sample.ts";

const [running, succeeded] = [samples.running ?? assert.fail(), samples["succeeded-swap"] ?? assert.fail()];

// One file for all tests here: @actions/core looks it up once in a process.
const folder = mkdtempSync(join(tmpdir(), "summary-"));
const file = join(folder, "summary.md");
process.env.GITHUB_STEP_SUMMARY = file;
test.before(() => writeFileSync(file, "what the last step wrote"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("the job summary is the newest report and nothing of older ones", async () => {
  const reporter = jobSummary(links);
  reporter.report(succeeded);
  reporter.report(running);
  reporter.report(succeeded);
  await reporter.flush(1_000);
  assert.equal(readFileSync(file, "utf8"), `${renderReport(succeeded, links)}\n`);
});

test("a report is in the file while the release goes on", async () => {
  const reporter = jobSummary(links);
  reporter.report(running);
  await reporter.flush(1_000);
  assert.equal(readFileSync(file, "utf8"), `${renderReport(running, links)}\n`);
  reporter.report(succeeded);
  await reporter.flush(1_000);
  assert.equal(readFileSync(file, "utf8"), `${renderReport(succeeded, links)}\n`);
});

test("a file that cannot be written is told to whoever flushes, and does not keep the next report away", async () => {
  const reporter = jobSummary(links);
  rmSync(file);
  mkdirSync(file);
  reporter.report(running);
  await new Promise(setImmediate); // nobody flushes yet, and that is nobody's unhandled rejection
  await assert.rejects(reporter.flush(1_000), { code: "EISDIR" });
  rmSync(file, { recursive: true });
  reporter.report(succeeded);
  await reporter.flush(1_000);
  assert.equal(readFileSync(file, "utf8"), `${renderReport(succeeded, links)}\n`);
});
