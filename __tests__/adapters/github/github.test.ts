import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { type GitHubOptions, type GitHubSandbox, startGitHub } from "../../../sandbox/github/github.ts";
import { type Comment, connectGitHub, type GitHub } from "../../../src/adapters/github/github.ts";
import { GitHubError } from "../../../src/adapters/github/github-error.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { UnreachableError } from "../../../src/lib/errors.ts";
import { listening } from "../../support/listening.ts";

const repository = { owner: "acme", repo: "shop" };
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
  return { sandbox, github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token, isPaced: false }) };
}

async function all(comments: AsyncIterable<Comment>): Promise<readonly Comment[]> {
  const found: Comment[] = [];
  for await (const comment of comments) found.push(comment);
  return found;
}

test("neither a page that is said to be elsewhere nor a redirection takes the token to another host", async (t) => {
  const stolen: unknown[] = [];
  const sink = await listening(
    t,
    createServer(({ url, headers }, response) => {
      stolen.push([url, headers.authorization]);
      response.writeHead(200, { "content-type": "application/json" }).end("[]");
    }),
  );
  let asked = 0;
  const front = await listening(
    t,
    createServer((_, response) => {
      asked += 1;
      const status = [200, 301, 302, 307, 308][asked - 1] ?? 308;
      const elsewhere = status === 200 ? { link: `<${sink}/steal>; rel="next"` } : { location: `${sink}/steal` };
      response.writeHead(status, { "content-type": "application/json", ...elsewhere }).end("[]");
    }),
  );
  const github = connectGitHub({ network: nodeWorld(), apiUrl: front, token: "ghs_token", isPaced: false });
  for (let call = 0; call < 4; call++) await all(github.comments(repository, 7)).catch(() => []);
  assert.equal(asked, 5);
  assert.deepEqual(stolen, []);
});

test("the job's token belongs to github-actions[bot]", async (t) => {
  const { github } = await connected(t);
  assert.equal(await github.login(), "github-actions[bot]");
});

test("a comment is created, found and edited", async (t) => {
  const { github, sandbox } = await connected(t);
  const created = await github.createComment(repository, 7, "one");
  const edited = await github.updateComment(repository, created.id, "two");
  assert.deepEqual(await all(github.comments(repository, 7)), [edited]);
  assert.equal(edited.body, "two");
  assert.equal(edited.author, "github-actions[bot]");
  assert.equal(edited.url, sandbox.comments(7)[0]?.url);
});

test("comments on every page are found", async (t) => {
  const { github, sandbox } = await connected(t);
  for (let number = 1; number <= 205; number++)
    sandbox.addComment(7, { login: "ada", type: "User", access: "read" }, `comment ${number}`);
  const bodies = (await all(github.comments(repository, 7))).map(({ body }) => body);
  assert.equal(bodies.length, 205);
  assert.equal(bodies.at(-1), "comment 205");
  assert.equal(sandbox.requests.length, 3);
});

test("no page is asked for that nobody wants", async (t) => {
  const { github, sandbox } = await connected(t);
  for (let number = 1; number <= 150; number++)
    sandbox.addComment(7, { login: "ada", type: "User", access: "read" }, `comment ${number}`);
  for await (const { body } of github.comments(repository, 7)) if (body === "comment 3") break;
  assert.equal(sandbox.requests.length, 1);
});

test("a fork's token is refused with GitHub's words and status", async (t) => {
  const { github } = await connected(
    t,
    { tokens: { fork: { login: "github-actions[bot]", type: "Bot", access: "read" } } },
    "fork",
  );
  await assert.rejects(github.createComment(repository, 7, "one"), (error) => {
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
  await assert.rejects(github.createComment(repository, 7, "one"), GitHubError);
  assert.equal(sandbox.comments(7).length, 1);
  assert.equal(sandbox.requests.filter(({ method }) => method === "POST").length, 1);
});

test("an edit is repeated when GitHub stumbles", async (t) => {
  const { github, sandbox } = await connected(t);
  const { id } = await github.createComment(repository, 7, "one");
  sandbox.fail({ method: "PATCH", status: 502 });
  assert.equal((await github.updateComment(repository, id, "two")).body, "two");
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
    await assert.rejects(github.pullRequestsOf(repository, sha), (error) => {
      assert.ok(error instanceof GitHubError);
      assert.ok(Math.abs((error.busyUntil ?? 0) - until(Date.now())) < 60_000, `busy until ${error.busyUntil}`);
      return true;
    });
    assert.equal(sandbox.requests.length, 1);
  });
}

test("nobody at the address is not a refusal", async () => {
  const github = connectGitHub({ network: nodeWorld(), apiUrl: "http://127.0.0.1:1", token: "x" });
  await assert.rejects(github.createComment(repository, 7, "one"), UnreachableError);
});

test("a request that was given up ends at once", async (t) => {
  const { github, sandbox } = await connected(t);
  sandbox.fail({ delay: 60_000 });
  await assert.rejects(github.createComment(repository, 7, "one", AbortSignal.timeout(50)), { name: "TimeoutError" });
});

test("the status of a commit is set", async (t) => {
  const { github, sandbox } = await connected(t);
  await github.setStatus(repository, sha, {
    state: "pending",
    context: "canary/reviews",
    description: "25%",
    url: "https://github.com/acme/shop/actions/runs/17",
  });
  assert.deepEqual(sandbox.statuses(sha), [
    {
      state: "pending",
      context: "canary/reviews",
      description: "25%",
      targetUrl: "https://github.com/acme/shop/actions/runs/17",
    },
  ]);
});

test("an Enterprise Server is asked at its own places", async (t) => {
  const { github, sandbox } = await connected(t, { enterprise: true });
  assert.match(sandbox.url, /\/api\/v3$/);
  assert.equal(await github.login(), "github-actions[bot]");
  const { id } = await github.createComment(repository, 7, "one");
  assert.deepEqual(
    (await all(github.comments(repository, 7))).map((comment) => comment.id),
    [id],
  );
});

test("what is not GitHub's answer is told as that, and not taken for one", async (t) => {
  const { github, sandbox } = await connected(t);
  sandbox.fail({ path: /graphql$/, status: 200 });
  await assert.rejects(github.login(), /asking whose token it is: the answer is not what GitHub documents/);
  sandbox.fail({ method: "GET", path: /comments$/, status: 200 });
  await assert.rejects(all(github.comments(repository, 7)), /listing the comments of acme\/shop#7: the answer is not/);
});

test("an error of GraphQL, which comes with a good status, is a refusal with GitHub's words", async (t) => {
  const { github, sandbox } = await connected(t);
  sandbox.fail({ path: /graphql$/, status: 200, body: { errors: [{ message: "Something is off" }] } });
  await assert.rejects(github.login(), (error) => {
    assert.ok(error instanceof GitHubError);
    assert.equal(error.message, "GitHub: asking whose token it is: Something is off (200)");
    assert.equal(error.busyUntil, undefined);
    return true;
  });
});

test("a limit of a moment is waited for", async (t) => {
  const sandbox = await startGitHub({ pulls });
  t.after(() => sandbox.close());
  const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token" });
  const { id } = await github.createComment(repository, 7, "one");
  sandbox.fail({
    method: "PATCH",
    status: 403,
    message: "You have exceeded a secondary rate limit",
    headers: { "retry-after": "1" },
  });
  assert.equal((await github.updateComment(repository, id, "two")).body, "two");
  assert.deepEqual(
    sandbox.requests.map(({ status }) => status),
    [201, 403, 200],
  );
});

const moments = [
  ["403", { status: 403, message: "You have exceeded a secondary rate limit", headers: { "retry-after": "1" } }],
  ["429", { status: 429, message: "Too many requests by a secondary rate limit", headers: { "retry-after": "1" } }],
  [
    "a reset that is past",
    {
      status: 403,
      message: "API rate limit exceeded",
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" },
    },
  ],
] as const;

for (const [name, fault] of moments) {
  test(`a limit of a moment that does not end is asked about twice more, and no more: ${name}`, async (t) => {
    const sandbox = await startGitHub({ pulls });
    t.after(() => sandbox.close());
    const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token" });
    sandbox.fail({ ...fault, times: 6 });
    await assert.rejects(github.pullRequestsOf(repository, sha), GitHubError);
    assert.equal(sandbox.requests.length, 3);
  });

  test(`no comment is created again, as its first answer may have been wrong: ${name}`, async (t) => {
    const sandbox = await startGitHub({ pulls });
    t.after(() => sandbox.close());
    const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token" });
    sandbox.fail({ ...fault, method: "POST", served: true });
    await assert.rejects(github.createComment(repository, 7, "one"), GitHubError);
    assert.equal(sandbox.requests.length, 1);
    assert.equal(sandbox.comments(7).length, 1);
  });
}

test("whoever waits for a turn and gives up hears it at once, and nothing is sent any more", async (t) => {
  const sandbox = await startGitHub({ pulls });
  t.after(() => sandbox.close());
  const github = connectGitHub({ network: nodeWorld(), apiUrl: sandbox.url, token: "ghs_token" });
  const { id } = await github.createComment(repository, 7, "one");
  const stop = new AbortController();
  const edited = github.updateComment(repository, id, "two", stop.signal);
  const another = github.updateComment(repository, id, "three");
  stop.abort(new Error("enough"));
  await assert.rejects(edited, /enough/);
  await another;
  assert.deepEqual(
    sandbox.comments(7).map(({ body, edits }) => [body, edits]),
    [["three", 1]],
  );
});
