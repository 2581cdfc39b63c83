import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Account } from "../../src/release/account.ts";
import { renderReport } from "../../src/reporters/render.ts";
import { reportFile, reportOf } from "../../src/reporters/report-file.ts";
import { summary } from "../../src/reporters/summary.ts";
import { links, samples, target } from "./sample.ts";

const [running, succeeded] = [samples.running ?? assert.fail(), samples["succeeded-swap"] ?? assert.fail()];

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "report-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("the job summary is the newest report and nothing of older ones", (t) => {
  const file = join(folder(t), "summary.md");
  const reporter = summary({ file, links });
  reporter.report(running);
  reporter.report(succeeded);
  assert.equal(readFileSync(file, "utf8"), `${renderReport(succeeded, links)}\n`);
});

test("the JSON report holds the newest account, and no half-written file is left", (t) => {
  const path = folder(t);
  const reporter = reportFile({ file: join(path, "canary-report.json") });
  reporter.report(running);
  reporter.report(succeeded);
  assert.deepEqual(JSON.parse(readFileSync(join(path, "canary-report.json"), "utf8")), JSON.parse(JSON.stringify({ version: 1, account: succeeded })));
  assert.deepEqual(readdirSync(path), ["canary-report.json"]);
});

test("of the user's manifests the JSON report shows only what they are", () => {
  const account: Account = {
    ...running,
    target: {
      ...target,
      source: {
        from: "manifests",
        objects: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "reviews", labels: { a: "b" } }, stringData: { password: "hunter22" } }],
      },
    },
  };
  assert.deepEqual(reportOf(account).account.target.source, {
    from: "manifests",
    objects: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "reviews" } }],
  });
});
