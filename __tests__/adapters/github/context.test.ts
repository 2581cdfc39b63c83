import assert from "node:assert/strict";
import test from "node:test";
import { readContext } from "../../../src/adapters/github/context.ts";

const job = {
  GITHUB_ACTIONS: "true",
  GITHUB_API_URL: "https://api.github.com",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "acme/shop",
  GITHUB_SHA: "a".repeat(40),
  GITHUB_ACTOR: "ada",
  GITHUB_RUN_ID: "17",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_WORKFLOW_REF: "acme/shop/.github/workflows/release.yaml@refs/heads/main",
  GITHUB_EVENT_PATH: "/event.json",
  GITHUB_OUTPUT: "/output",
  GITHUB_STEP_SUMMARY: "/summary",
};

const contextOf = (event: unknown, more: Readonly<Record<string, string>> = {}) =>
  readContext({ ...job, ...more }, () => JSON.stringify(event));

test("a job on GitHub names its repository, run, commit, actor and files", () => {
  assert.deepEqual(contextOf({}), {
    actions: true,
    apiUrl: "https://api.github.com",
    repository: "acme/shop",
    sha: "a".repeat(40),
    actor: "ada",
    runId: "17",
    runUrl: "https://github.com/acme/shop/actions/runs/17",
    workflowUrl: "https://github.com/acme/shop/actions/workflows/release.yaml",
    outputFile: "/output",
    summaryFile: "/summary",
  });
});

test("outside of GitHub there is nothing but the address of its API", () => {
  assert.deepEqual(
    readContext({}, () => assert.fail("there is no event to read")),
    { actions: false, apiUrl: "https://api.github.com" },
  );
});

test("a later attempt has its own page, and whoever started it is the actor", () => {
  const { runUrl, actor } = contextOf({}, { GITHUB_RUN_ATTEMPT: "2", GITHUB_TRIGGERING_ACTOR: "bob" });
  assert.equal(runUrl, "https://github.com/acme/shop/actions/runs/17/attempts/2");
  assert.equal(actor, "bob");
});

test("an Enterprise Server's addresses are taken from the job", () => {
  const { apiUrl, runUrl } = contextOf(
    {},
    { GITHUB_API_URL: "https://git.example.com/api/v3", GITHUB_SERVER_URL: "https://git.example.com" },
  );
  assert.equal(apiUrl, "https://git.example.com/api/v3");
  assert.equal(runUrl, "https://git.example.com/acme/shop/actions/runs/17");
});

const events = [
  ["pull_request", { number: 7, pull_request: { number: 7, head: { sha: "b".repeat(40) } } }, 7, "b".repeat(40)],
  [
    "a comment on a pull request",
    { issue: { number: 8, pull_request: { url: "https://api.github.com/repos/acme/shop/pulls/8" } } },
    8,
    "a".repeat(40),
  ],
  ["a comment on an issue", { issue: { number: 9 } }, undefined, "a".repeat(40)],
  ["workflow_run", { workflow_run: { head_sha: "c".repeat(40), pull_requests: [{ number: 10 }] } }, 10, "c".repeat(40)],
  [
    "workflow_run of a fork",
    { workflow_run: { head_sha: "c".repeat(40), pull_requests: [] } },
    undefined,
    "c".repeat(40),
  ],
  ["push", { ref: "refs/heads/main", head_commit: { id: "a".repeat(40) } }, undefined, "a".repeat(40)],
] as const;

for (const [name, event, pullRequest, sha] of events) {
  test(`${name}: ${pullRequest === undefined ? "no pull request is named" : `pull request ${pullRequest}`}`, () => {
    const context = contextOf(event);
    assert.equal(context.pullRequest, pullRequest);
    assert.equal(context.sha, sha);
  });
}

test("an event that cannot be read is as good as none", () => {
  assert.equal(readContext(job, () => "{").pullRequest, undefined);
  assert.equal(
    readContext(job, () => {
      throw new Error("no such file");
    }).repository,
    "acme/shop",
  );
});
