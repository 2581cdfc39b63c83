import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type GitHubOptions, type GitHubSandbox, startGitHub } from "../../../sandbox/github/github.ts";
import { type Comment, connectGitHub, type GitHub } from "../../../src/adapters/github/client.ts";
import { GitHubError } from "../../../src/adapters/github/github-error.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { UnreachableError } from "../../../src/lib/errors.ts";

const sha = "a".repeat(40);
const pulls = [{ number: 7, state: "open", commits: ["0".repeat(40), sha] }] as const;

async function connected(
  t: TestContext,
  options: GitHubOptions = {},
  token = "ghs_token",
): Promise<{ readonly sandbox: GitHubSandbox; readonly github: GitHub }> {
  const sandbox = await startGitHub({ pulls, ...options });
  t.after(async () => {
    await sandbox.close();
    assert.deepEqual(sandbox.violations, [], "GitHub's own description allows every request and answer");
  });
  return { sandbox, github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token }) };
}

async function all(comments: AsyncIterable<Comment>): Promise<readonly Comment[]> {
  const found: Comment[] = [];
  for await (const comment of comments) found.push(comment);
  return found;
}

test("the job's token belongs to github-actions[bot]", async (t) => {
  const { github } = await connected(t);
  assert.equal(await github.login(), "github-actions[bot]");
});

test("a comment is created, found and edited", async (t) => {
  const { github, sandbox } = await connected(t);
  const created = await github.createComment("acme/shop", 7, "one");
  const edited = await github.updateComment("acme/shop", created.id, "two");
  assert.deepEqual(await all(github.comments("acme/shop", 7)), [edited]);
  assert.equal(edited.body, "two");
  assert.equal(edited.author, "github-actions[bot]");
  assert.equal(edited.url, sandbox.comments(7)[0]?.url);
});

test("comments on every page are found", async (t) => {
  const { github, sandbox } = await connected(t);
  for (let number = 1; number <= 205; number++)
    sandbox.addComment(7, { login: "ada", type: "User", access: "read" }, `comment ${number}`);
  const bodies = (await all(github.comments("acme/shop", 7))).map(({ body }) => body);
  assert.equal(bodies.length, 205);
  assert.equal(bodies.at(-1), "comment 205");
  assert.equal(sandbox.requests.length, 3);
});

test("no page is asked for that nobody wants", async (t) => {
  const { github, sandbox } = await connected(t);
  for (let number = 1; number <= 150; number++)
    sandbox.addComment(7, { login: "ada", type: "User", access: "read" }, `comment ${number}`);
  for await (const { body } of github.comments("acme/shop", 7)) if (body === "comment 3") break;
  assert.equal(sandbox.requests.length, 1);
});

test("a fork's token is refused with GitHub's words and status", async (t) => {
  const { github } = await connected(
    t,
    { tokens: { fork: { login: "github-actions[bot]", type: "Bot", access: "read" } } },
    "fork",
  );
  await assert.rejects(github.createComment("acme/shop", 7, "one"), (error) => {
    assert.ok(error instanceof GitHubError);
    assert.equal(error.status, 403);
    assert.equal(error.busyUntil, undefined);
    assert.match(error.message, /creating a comment on acme\/shop#7: Resource not accessible by integration \(403\)/);
    return true;
  });
});

test("a wrong token is refused", async (t) => {
  const { github } = await connected(t, {}, "nobody's");
  await assert.rejects(github.login(), /Bad credentials \(401\)/);
});

test("a lost answer to a creation is not answered by creating again", async (t) => {
  const { github, sandbox } = await connected(t);
  sandbox.fail({ method: "POST", path: /comments$/, status: 502, served: true });
  await assert.rejects(github.createComment("acme/shop", 7, "one"), GitHubError);
  assert.equal(sandbox.comments(7).length, 1);
  assert.equal(sandbox.requests.filter(({ method }) => method === "POST").length, 1);
});

test("an edit is repeated when GitHub stumbles", async (t) => {
  const { github, sandbox } = await connected(t);
  const { id } = await github.createComment("acme/shop", 7, "one");
  sandbox.fail({ method: "PATCH", status: 502 });
  assert.equal((await github.updateComment("acme/shop", id, "two")).body, "two");
});

const limits = [
  [
    "the hourly limit",
    {
      status: 403,
      message: "API rate limit exceeded",
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2000000000" },
    },
    () => 2_000_000_000_000,
  ],
  [
    "the secondary limit",
    { status: 403, message: "You have exceeded a secondary rate limit", headers: { "retry-after": "3600" } },
    (now: number) => now + 3_600_000,
  ],
  [
    "too many requests",
    { status: 429, message: "Too many requests", headers: { "retry-after": "3600" } },
    (now: number) => now + 3_600_000,
  ],
] as const;

for (const [name, fault, until] of limits) {
  test(`${name} is no lack of permission: GitHub is left alone until it says`, async (t) => {
    const { github, sandbox } = await connected(t);
    sandbox.fail(fault);
    await assert.rejects(github.createComment("acme/shop", 7, "one"), (error) => {
      assert.ok(error instanceof GitHubError);
      assert.ok(Math.abs((error.busyUntil ?? 0) - until(Date.now())) < 60_000, `busy until ${error.busyUntil}`);
      return true;
    });
  });
}

test("nobody at the address is not a refusal", async () => {
  const github = connectGitHub({ network: nodeWorld(), apiUrl: "http://127.0.0.1:1", token: "x" });
  await assert.rejects(github.createComment("acme/shop", 7, "one"), UnreachableError);
});

test("a request that was given up ends at once", async (t) => {
  const { github, sandbox } = await connected(t);
  sandbox.fail({ delay: 60_000 });
  await assert.rejects(github.createComment("acme/shop", 7, "one", AbortSignal.timeout(50)), { name: "TimeoutError" });
});

test("the status of a commit is set", async (t) => {
  const { github, sandbox } = await connected(t);
  await github.setStatus("acme/shop", sha, {
    state: "pending",
    context: "canary/reviews",
    description: "25 %",
    url: "https://github.com/acme/shop/actions/runs/17",
  });
  assert.deepEqual(sandbox.statuses(sha), [
    {
      state: "pending",
      context: "canary/reviews",
      description: "25 %",
      targetUrl: "https://github.com/acme/shop/actions/runs/17",
    },
  ]);
});

test("an Enterprise Server is asked at its own place for GraphQL", async () => {
  const asked: string[] = [];
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(JSON.stringify({ data: { viewer: { login: "canary[bot]" } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    assert.equal(
      await connectGitHub({
        network: nodeWorld(),
        apiUrl: `http://127.0.0.1:${address.port}/api/v3`,
        token: "x",
      }).login(),
      "canary[bot]",
    );
    assert.deepEqual(asked, ["/api/graphql"]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
