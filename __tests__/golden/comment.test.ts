import test from "node:test";
import { renderReport } from "../../src/words/report.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";
import { links, samples } from "../words/sample.ts";
import { assertGolden } from "../support/golden.ts";

for (const [name, account] of Object.entries({ ...samples, ...evidenceSamples })) {
  test(`the report of a release that is ${name.replaceAll("-", " ")} reads as it was reviewed`, () => {
    assertGolden(`comment/${name}.md`, `${renderReport(account, links)}\n`);
  });
}
