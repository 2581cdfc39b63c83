import test from "node:test";
import { renderReport } from "../../src/reporters/render.ts";
import { evidenceSamples } from "../reporters/evidence-tale.ts";
import { links, samples } from "../reporters/sample.ts";
import { assertGolden } from "../support/golden.ts";

for (const [name, account] of Object.entries({ ...samples, ...evidenceSamples })) {
  test(`the report of a release that is ${name.replaceAll("-", " ")} reads as it was reviewed`, () => {
    assertGolden(`comment/${name}.md`, `${renderReport(account, links)}\n`);
  });
}
