import assert from "node:assert/strict";
import test from "node:test";
import type { Account } from "../../src/release/account.ts";
import { renderReport } from "../../src/words/report.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";
import { links, samples } from "../words/sample.ts";
import { assertGolden } from "../support/golden.ts";

const { "rolled-back-errors": rolledBack = assert.fail() } = samples;

/** What an application prints may be anything, made for whoever reads it. */
const lines = [
  ...Array.from({ length: 4 }, (_, index) => `level=info msg="GET /reviews/${index}" status=200`),
  'level=error msg="ratings: connection refused" addr=ratings:9080',
  "``` @octocat see #1 <img src=x onerror=alert(1)> </details> ::error::hello",
  `level=error stack=${"at frame ".repeat(60)}`,
  ...Array.from({ length: 5 }, (_, index) => `level=error msg="GET /reviews/${index}: ratings answered 503" status=500`),
];
const logged: Account = {
  ...rolledBack,
  logs: {
    logs: [
      { pod: "reviews-v2-7d4b9c6f5-x2x9k", container: "reviews", previous: true, lines },
      { pod: "reviews-v2-7d4b9c6f5-q8w7z", container: "reviews", previous: false, lines: ["listening"] },
    ],
    left: 2,
    folder: "canary-logs",
  },
};

for (const [name, account] of Object.entries({ ...samples, ...evidenceSamples, "rolled-back-logged": logged })) {
  test(`the report of a release that is ${name.replaceAll("-", " ")} reads as it was reviewed`, () => {
    assertGolden(`comment/${name}.md`, `${renderReport(account, links)}\n`);
  });
}
