import assert from "node:assert/strict";
import test from "node:test";
import type { Account } from "../../src/release/account.ts";
import { type Notice, noticeReport } from "../../src/words/notice.ts";
import type { PlannedRelease } from "../../src/words/plan-text.ts";
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

const at = rolledBack.startedAt;
const setting = {
  subject: { namespace: "shop", service: "reviews" },
  cluster: { context: "prod-eu-1", host: "10.0.0.1:6443" },
  run: rolledBack.run,
  at,
} as const;
const planned: PlannedRelease = {
  cluster: setting.cluster,
  target: rolledBack.target,
  exchanged: false,
  plan: rolledBack.plan,
  detectability: {
    traffic: { rate: 50, baseline: 0.001 },
    runs: 100,
    seed: 1,
    smallest: { ratio: 8, found: 0.86, badRequests: 31, medianTime: 42_000 },
    dead: { ratio: 1_000, found: 1, badRequests: 12, medianTime: 10_000 },
    safeAfter: 900_000,
  },
  findings: [
    { level: "note", what: "Namespace shop injects sidecars" },
    {
      level: "warn",
      what: "Deployment shop/reviews-v1 is owned by Argo CD (Application shop): it may undo what the promotion does to it",
      next: "Let it ignore replicas.",
    },
  ],
  allowed: true,
};
const notices: Readonly<Record<string, Notice>> = {
  planned: { ...setting, kind: "planned", planned },
  "planned-refused": {
    ...setting,
    kind: "planned",
    planned: {
      ...planned,
      allowed: false,
      detectability: { because: "Prometheus does not answer at http://prometheus:9090" },
      findings: [
        ...planned.findings,
        {
          level: "refuse",
          what: "VirtualService shop/reviews does not exist <script>",
          next: "Make it, or name another: routes: { virtualService: NAME }.",
        },
      ],
    },
  },
  "release-refused": {
    ...setting,
    kind: "refused",
    command: "release",
    image: "ghcr.io/acme/reviews:1.4.0",
    lines: [
      "shop/reviews cannot be released, and nothing was changed:",
      "  ✗ DestinationRule shop/reviews has no subset v2 for @octocat. Add it.",
      "  ✗ Service shop/reviews does not select the pods of reviews-v2.",
      "",
    ],
  },
};
for (const [name, notice] of Object.entries(notices)) {
  test(`the comment of a command that began nothing, ${name}, reads as it was reviewed`, () => {
    assertGolden(`comment/${name}.md`, `${noticeReport(notice)}\n`);
  });
}
