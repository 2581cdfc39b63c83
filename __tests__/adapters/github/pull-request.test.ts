import assert from "node:assert/strict";
import test from "node:test";
import { startGitHub } from "../../../sandbox/github/github.ts";
import type { Pull } from "../../../sandbox/github/repository.ts";
import type { GitHubContext } from "../../../src/adapters/github/context.ts";
import { connectGitHub } from "../../../src/adapters/github/github.ts";
import { findPullRequest } from "../../../src/adapters/github/pull-request.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";

const repository = { owner: "acme", repo: "shop" };
const sha = "a".repeat(40);
const later = "b".repeat(40);
const context: GitHubContext = { actions: true, apiUrl: "", repository, sha };

const cases: readonly (readonly [name: string, pulls: readonly Pull[], found: number | undefined])[] = [
  [
    "the one whose newest commit it is comes before open ones",
    [
      { number: 1, state: "closed", commits: [sha] },
      { number: 2, state: "open", commits: [sha, later] },
    ],
    1,
  ],
  [
    "an open one comes before closed ones",
    [
      { number: 1, state: "open", commits: [sha, later] },
      { number: 2, state: "closed", commits: [sha, later] },
    ],
    1,
  ],
  [
    "of equals, the newest",
    [
      { number: 1, state: "open", commits: [sha] },
      { number: 2, state: "open", commits: [sha] },
    ],
    2,
  ],
  ["a commit of no pull request has none", [{ number: 1, state: "open", commits: [later] }], undefined],
];

for (const [name, pulls, found] of cases) {
  test(`looking for the commit's pull request: ${name}`, async (t) => {
    const sandbox = await startGitHub({ pulls });
    t.after(() => sandbox.close());
    const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token", isPaced: false });
    assert.equal(await findPullRequest(github, context, undefined), found);
    assert.deepEqual(sandbox.violations, []);
  });
}

test("a number that was given, or that the event has, is not looked for", async (t) => {
  const sandbox = await startGitHub();
  t.after(() => sandbox.close());
  const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token", isPaced: false });
  assert.equal(await findPullRequest(github, { ...context, pullRequest: 8 }, 9), 9);
  assert.equal(await findPullRequest(github, { ...context, pullRequest: 8 }, undefined), 8);
  assert.deepEqual(sandbox.requests, []);
});
