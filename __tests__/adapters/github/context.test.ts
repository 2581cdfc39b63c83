import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { type GitHubContext, isEvent, type JobContext, readContext } from "../../../src/adapters/github/context.ts";

/** The package shows the one context that it reads when it is imported; its class stands in a file of its own. */
const file = pathToFileURL("node_modules/@actions/github/lib/context.js").href;
const { Context } = (await import(file)) as { readonly Context: new () => JobContext };

const folder = mkdtempSync(join(tmpdir(), "event-"));
test.after(() => rmSync(folder, { recursive: true }));
const eventFile = join(folder, "event.json");

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
  GITHUB_EVENT_PATH: eventFile,
  GITHUB_OUTPUT: "/output",
  GITHUB_STEP_SUMMARY: "/summary",
};

/** What is read in a process with this environment. */
function contextIn(environment: Readonly<Record<string, string>>): GitHubContext {
  const before = process.env;
  process.env = { ...environment };
  try {
    return readContext(new Context(), environment);
  } finally {
    process.env = before;
  }
}

function contextOf(event: unknown, more: Readonly<Record<string, string>> = {}): GitHubContext {
  writeFileSync(eventFile, JSON.stringify(event));
  return contextIn({ ...job, ...more });
}

test("a job on GitHub names its repository, run, commit, actor and files", () => {
  assert.deepEqual(contextOf({}), {
    actions: true,
    apiUrl: "https://api.github.com",
    repository: { owner: "acme", repo: "shop" },
    sha: "a".repeat(40),
    actor: "ada",
    runId: "17",
    runUrl: "https://github.com/acme/shop/actions/runs/17",
    workflowUrl: "https://github.com/acme/shop/actions/workflows/release.yaml",
    pullRequest: undefined,
    outputFile: "/output",
    summaryFile: "/summary",
  });
});

test("outside of GitHub there is nothing but the address of its API", () => {
  const known = Object.entries(contextIn({})).filter(([, value]) => value !== undefined);
  assert.deepEqual(Object.fromEntries(known), { actions: false, apiUrl: "https://api.github.com" });
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

test("an event that says nothing known is as good as none", () => {
  for (const event of [null, [], "push", { pull_request: 7 }]) {
    const { pullRequest, repository } = contextOf(event);
    assert.deepEqual([pullRequest, repository?.repo], [undefined, "shop"]);
  }
});

test("an event is a file that holds JSON", () => {
  writeFileSync(eventFile, "{}");
  assert.equal(isEvent(eventFile), true);
  writeFileSync(eventFile, '{ "pull_request": ');
  assert.deepEqual([isEvent(eventFile), isEvent(join(folder, "nowhere")), isEvent(undefined)], [false, false, false]);
});

test("a run id that is no number is one all the same: both steps of a job go by it", () => {
  const { runId, runUrl } = contextOf({}, { GITHUB_RUN_ID: "01JD-17" });
  assert.deepEqual([runId, runUrl?.split("/").at(-1)], ["01JD-17", "01JD-17"]);
});
