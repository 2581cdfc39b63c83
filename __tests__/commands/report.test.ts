import assert from "node:assert/strict";
import test from "node:test";
import { reportOf } from "../../src/adapters/files/report-file.ts";
import { readReport } from "../../src/commands/read-report.ts";
import { report } from "../../src/commands/report.ts";
import { configured } from "../config/configured.ts";
import { printedMessages } from "../support/messages.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";

const sample = evidenceSamples["rolled-back-by-evidence"];
const json = JSON.stringify(reportOf(sample), undefined, 2);

type Asked = { readonly text?: string; readonly inputs?: Readonly<Record<string, string>>; readonly full?: boolean };

async function ask({ text = json, inputs = {}, full = false }: Asked) {
  const messages = printedMessages();
  const written = new Map<string, string>();
  const never = (): never => assert.fail("a page asks nobody");
  const code = await report({
    config: await configured({ inputs: { command: "report", report: "old/canary-report.json", ...inputs } }),
    messages,
    history: { traffic: never, rate: never, dispersion: never },
    readFile: async () => text,
    writePage(path, content) {
      if (full) throw new Error("ENOSPC: no space left on device");
      written.set(path, content);
    },
  });
  return { code, written, said: messages.printed.join("\n") };
}

test("the page stands beside the report, and says where", async () => {
  const { code, written, said } = await ask({});
  assert.deepEqual([code, [...written.keys()], said], [0, ["old/canary-report.html"], "Wrote old/canary-report.html."]);
});

test("the page goes where it is wanted", async () => {
  const { written } = await ask({ inputs: { output: "site/index.html" } });
  assert.deepEqual([...written.keys()], ["site/index.html"]);
});

test("a page can be read as its report again, by replay and by report", async () => {
  const { written } = await ask({});
  const page = written.get("old/canary-report.html") ?? assert.fail();
  assert.deepEqual(readReport(page, "page"), readReport(json, "json"));
  assert.equal((await ask({ text: page })).written.get("old/canary-report.html"), page);
});

for (const [what, asked, because] of [
  ["what is no JSON", { text: "hello" }, /old\/canary-report\.json is no report of a release/],
  ["a report without a log", { text: json.replace('"log"', '"lock"') }, /is no report of a release: .*log/],
  ["a moment that is none", { text: json.replace(/"now": \d+/, '"now": 1e300') }, /is no report of a release/],
  ["a page that cannot be written", { full: true }, /cannot be written to old\/canary-report\.html: .*ENOSPC/],
] as const)
  test(`${what} is refused`, async () => {
    await assert.rejects(ask(asked), because);
  });
