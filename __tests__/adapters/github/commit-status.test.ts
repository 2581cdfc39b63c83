import assert from "node:assert/strict";
import test from "node:test";
import { startGitHub } from "../../../sandbox/github/github.ts";
import { commitStatus, statusOf } from "../../../src/adapters/github/commit-status.ts";
import { connectGitHub } from "../../../src/adapters/github/github.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { told } from "../../support/told.ts";
import { evidenceSamples } from "../../words/evidence-tale.ts";
import { samples } from "../../words/sample.ts";

// Reading Octokit from its many files takes a busy machine longer than a reporter waits at the end.
test.before(() => import("../../../src/adapters/github/octokit.ts"));

const repository = { owner: "acme", repo: "shop" };
const sha = "a".repeat(40);
const states = {
  running: "pending",
  waiting: "pending",
  "succeeded-swap": "success",
  "rolled-back-errors": "failure",
  "failed-promoting": "error",
  "not-settled": "error",
} as const;

for (const [name, state] of Object.entries(states)) {
  test(`the commit's status of a release that is ${name.replaceAll("-", " ")} is ${state}`, () => {
    assert.equal(statusOf(samples[name] ?? assert.fail(), "").state, state);
  });
}

test("a release that is held is no success and nothing that goes on: its status is error, and says why", () => {
  const { state, description } = statusOf(evidenceSamples["held-undecided"], "");
  assert.equal(state, "error");
  assert.equal(description, "held at 10% (stage 1 of 3): too few requests to judge");
});

test("a status has the service for a name, what happens for a text, and the run for a link", () => {
  assert.deepEqual(statusOf(samples.running ?? assert.fail(), "production"), {
    state: "pending",
    context: "canary/production/reviews",
    description: "25% on the canary (stage 2 of 3)",
    url: "https://github.com/acme/shop/actions/runs/17",
  });
});

test("a reason of any length fits into 140 characters", async (t) => {
  const sandbox = await startGitHub();
  t.after(() => sandbox.close());
  const warnings: string[] = [];
  const reporter = commitStatus({
    clock: nodeClock,
    github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token", isPaced: false }),
    repository,
    sha,
    environment: "",
    warn: (message) => warnings.push(message),
  });
  const account = samples["rolled-back-errors"] ?? assert.fail();
  reporter.report({ ...account, state: { phase: "rolled-back", reason: told("no ".repeat(500)) } });
  await reporter.flush(5_000);
  assert.deepEqual(warnings, []);
  assert.equal(sandbox.statuses(sha)[0]?.description.length, 140);
  assert.deepEqual(sandbox.violations, []);
});

const limit = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2000000000" };
const refusals = [
  ["the token may not set statuses", { status: 403 }, /\(403\)\. The job's token needs .*`statuses: write`\.$/],
  ["the repository cannot be seen", { status: 404 }, /\(404\)\. The job's token needs .*`statuses: write`\.$/],
  ["the token is not valid", { status: 401 }, /\(401\)\. The token is not valid, or not any more\.$/],
  ["GitHub wants to be left alone", { status: 403, headers: limit }, /is not set: .*\(403\)\.$/],
  ["GitHub does not like the status", { status: 422 }, /is not set: .*\(422\)\.$/],
] as const;

for (const [name, fault, warning] of refusals)
  test(`${name}: it is said once, with what the token lacks if it is that`, async (t) => {
    const sandbox = await startGitHub();
    t.after(() => sandbox.close());
    sandbox.fail({ ...fault, times: 9 });
    const warnings: string[] = [];
    const reporter = commitStatus({
      clock: nodeClock,
      github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token", isPaced: false }),
      repository,
      sha,
      environment: "",
      warn: (message) => warnings.push(message),
    });
    reporter.report(samples.running ?? assert.fail());
    reporter.report(samples["succeeded-swap"] ?? assert.fail());
    await reporter.flush(5_000);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", warning);
  });

test("what the token lacks is told, also when GitHub stumbled before", async (t) => {
  const sandbox = await startGitHub();
  t.after(() => sandbox.close());
  const warnings: string[] = [];
  const reporter = commitStatus({
    clock: nodeClock,
    github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token", isPaced: false }),
    repository,
    sha,
    environment: "",
    warn: (message) => warnings.push(message),
  });
  sandbox.fail({ status: 422 });
  sandbox.fail({ status: 403 });
  reporter.report(samples.running ?? assert.fail());
  await reporter.flush(5_000);
  assert.equal(warnings.length, 2);
  assert.match(warnings[1] ?? "", /statuses: write/);
});
