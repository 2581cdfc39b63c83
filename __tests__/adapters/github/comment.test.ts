import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { type GitHubOptions, type GitHubSandbox, startGitHub } from "../../../sandbox/github/github.ts";
import { comment } from "../../../src/adapters/github/comment.ts";
import { connectGitHub } from "../../../src/adapters/github/github.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import type { Reporter } from "../../../src/ports/reporter.ts";
import type { Account } from "../../../src/release/account.ts";
import type { NoticedReporter } from "../../../src/reporting/tell-notice.ts";
import type { Notice } from "../../../src/words/notice.ts";
import { listening } from "../../support/listening.ts";
import { told } from "../../support/told.ts";
import { links, plan, samples, start, target } from "../../words/sample.ts";

// Reading Octokit from its many files takes a busy machine longer than a reporter waits at the end.
test.before(() => import("../../../src/adapters/github/octokit.ts"));

const repository = { owner: "acme", repo: "shop" };
type Bench = {
  readonly sandbox: GitHubSandbox;
  readonly reporter: (environment?: string) => NoticedReporter;
  readonly warnings: readonly string[];
  readonly posted: readonly string[];
};

async function bench(t: TestContext, options: GitHubOptions = {}, pull: number | undefined = 7): Promise<Bench> {
  const sandbox = await startGitHub({ pulls: [{ number: 7, state: "open", commits: [] }], ...options });
  t.after(async () => {
    await sandbox.close();
    assert.deepEqual(sandbox.violations, [], "GitHub's own description allows every request and answer");
  });
  const warnings: string[] = [];
  const posted: string[] = [];
  const github = connectGitHub({
    network: nodeWorld(),
    apiUrl: sandbox.url,
    token: "ghs_token",
    timeout: 2_000,
    isPaced: false,
  });
  const reporter = (environment = "production"): NoticedReporter =>
    comment({
      clock: nodeClock,
      github,
      repository,
      pullRequest: async () => pull,
      environment,
      links,
      warn: (message) => warnings.push(message),
      posted: (url) => posted.push(url),
    });
  return { sandbox, reporter, warnings, posted };
}

const sample = (name: string): Account => samples[name] ?? assert.fail(`no sample ${name}`);

/** One job: it tells what it has to tell, and ends. */
async function job(reporter: Reporter, ...accounts: readonly Account[]): Promise<void> {
  for (const account of accounts) reporter.report(account);
  await reporter.flush(5_000);
}

test("a release has one comment, which is edited", async (t) => {
  const { sandbox, reporter, warnings, posted } = await bench(t);
  const telling = reporter();
  telling.report(sample("running"));
  await job(telling, sample("succeeded-swap"));
  const [only, ...others] = sandbox.comments(7);
  assert.deepEqual(others, []);
  assert.match(only?.body ?? "", /### ✅ shop\/reviews 1\.3\.9 → 1\.4\.0 released/);
  assert.equal(only?.edits, 1);
  assert.deepEqual([...new Set(posted)], [only?.url]);
  assert.deepEqual(warnings, []);
});

test("the last reading alone is worth an edit", async (t) => {
  const { sandbox, reporter } = await bench(t);
  await job(reporter(), sample("succeeded-swap"), { ...sample("succeeded-swap"), settled: false, differences: ["x"] });
  const [only] = sandbox.comments(7);
  assert.match(only?.body ?? "", /not as it should be/);
});

test("another job of the same release goes on with the same comment, also behind a hundred others", async (t) => {
  const { sandbox, reporter } = await bench(t);
  for (let number = 0; number < 150; number++)
    sandbox.addComment(7, { login: "ada", type: "User", access: "write" }, `comment ${number}`);
  await job(reporter(), sample("waiting"));
  await job(reporter(), sample("succeeded-swap"));
  const ours = sandbox.comments(7).filter(({ author }) => author === "github-actions[bot]");
  assert.equal(ours.length, 1);
  assert.match(ours[0]?.body ?? "", /released/);
  assert.doesNotMatch(ours[0]?.body ?? "", /Earlier releases/);
});

test("a verdict that becomes a proof of safety is news, more counts are not", async (t) => {
  const { sandbox, reporter } = await bench(t);
  const account = sample("running");
  const judged = (proven: boolean, requests: number): Account => ({
    ...account,
    stages: account.stages.map((stage) => ({
      ...stage,
      verdicts: stage.verdicts.map((verdict) => ({ ...verdict, proven, requests })),
    })),
  });
  const telling = reporter();
  telling.report(judged(false, 1));
  await job(telling, judged(false, 2));
  assert.equal(sandbox.comments(7)[0]?.edits, 0);
  const other = reporter();
  other.report(judged(false, 3));
  await job(other, judged(true, 4));
  assert.equal(sandbox.comments(7)[0]?.edits, 2);
});

test("each environment and service has its own comment", async (t) => {
  const { sandbox, reporter } = await bench(t);
  await job(reporter("staging"), sample("running"));
  await job(reporter("production"), sample("running"));
  await job(reporter("production"), { ...sample("running"), target: { ...target, service: "ratings" } });
  assert.equal(sandbox.comments(7).length, 3);
});

test("somebody else's comment with our marker is left alone", async (t) => {
  const { sandbox, reporter } = await bench(t);
  await job(reporter(), sample("running"));
  const [ours] = sandbox.comments(7);
  sandbox.deleteComment(ours?.id ?? 0);
  const forged = sandbox.addComment(7, { login: "mallory", type: "User", access: "read" }, ours?.body ?? "");
  await job(reporter(), sample("succeeded-swap"));
  assert.equal(sandbox.comments(7).find(({ id }) => id === forged.id)?.edits, 0);
  assert.equal(sandbox.comments(7).length, 2);
});

test("a comment of somebody's that quotes ours is not ours", async (t) => {
  const { sandbox, reporter } = await bench(t, {});
  await job(reporter(), sample("running"));
  const [ours] = sandbox.comments(7);
  sandbox.deleteComment(ours?.id ?? 0);
  sandbox.addComment(7, { login: "github-actions[bot]", type: "Bot", access: "write" }, `> quoted\n${ours?.body}`);
  await job(reporter(), sample("running"));
  assert.equal(sandbox.comments(7).length, 2);
});

test("a new release keeps the results of the last five", async (t) => {
  const { sandbox, reporter } = await bench(t);
  for (let number = 0; number < 8; number++) {
    const startedAt = start + number * 86_400_000;
    await job(reporter(), {
      ...sample("rolled-back-errors"),
      startedAt,
      now: startedAt + 1_000,
      target: { ...target, image: `ghcr.io/acme/reviews:1.${number}.0` },
    });
  }
  const [only, ...others] = sandbox.comments(7);
  assert.deepEqual(others, []);
  const folded =
    /<details><summary>Earlier releases<\/summary>\n\n([\s\S]*?)\n\n<\/details>/
      .exec(only?.body ?? "")?.[1]
      ?.split("\n") ?? [];
  assert.equal(folded.length, 5);
  assert.match(folded[0] ?? "", /^\* ❌ 2026-02-06 12:00 UTC: rolled back, .*reviews:1\.6\.0.*\(\[run\]/);
  assert.match(folded[4] ?? "", /reviews:1\.2\.0/);
});

test("a comment that was deleted in between is created again, once", async (t) => {
  const { sandbox, reporter, warnings } = await bench(t);
  const telling = reporter();
  telling.report(sample("running"));
  await until(() => sandbox.comments(7).length === 1);
  sandbox.deleteComment(sandbox.comments(7)[0]?.id ?? 0);
  await job(telling, sample("succeeded-swap"));
  assert.equal(sandbox.comments(7).length, 1);
  assert.deepEqual(warnings, []);
});

test("a lost answer to the first comment does not lead to a second one", async (t) => {
  const { sandbox, reporter } = await bench(t);
  sandbox.fail({ method: "POST", path: /comments$/, status: 502, served: true });
  await job(reporter(), sample("running"), sample("succeeded-swap"));
  const [only, ...others] = sandbox.comments(7);
  assert.deepEqual(others, []);
  assert.match(only?.body ?? "", /released/);
});

const refusals = [
  [
    "a fork's token may only read",
    { tokens: { ghs_token: { login: "github-actions[bot]", type: "Bot", access: "read" } } },
    /pull-requests: write/,
  ],
  ["the repository or the pull request cannot be seen", { repository: "acme/other" }, /pull-requests: write/],
  ["the token is wrong", { tokens: {} }, /\(401\)\. The token is not valid, or not any more\. The report is in/],
] as const;

for (const [name, options, advice] of refusals) {
  test(`${name}: it is said once, with what the token lacks, and nothing else happens`, async (t) => {
    const { sandbox, reporter, warnings } = await bench(t, options);
    const telling = reporter();
    await job(telling, sample("running"));
    const requests = sandbox.requests.length;
    await job(telling, sample("succeeded-swap"));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", advice);
    assert.equal(sandbox.requests.length, requests);
  });
}

test("pages without end are given up, once, with a warning", async (t) => {
  let asked = 0;
  const server = createServer(({ method, url }, response) => {
    if (method === "GET") asked++;
    const link = `<http://${response.req.headers.host}${url}>; rel="next"`;
    const body = url?.includes("graphql") ? { data: { viewer: { login: "bot" } } } : [];
    response.writeHead(200, { "content-type": "application/json", link }).end(JSON.stringify(body));
  });
  const warnings: string[] = [];
  const apiUrl = await listening(t, server);
  const reporter = comment({
    clock: nodeClock,
    github: connectGitHub({ network: nodeWorld(), apiUrl, token: "ghs_token", isPaced: false }),
    repository,
    pullRequest: async () => 7,
    environment: "production",
    links,
    warn: (message) => warnings.push(message),
  });
  await job(reporter, sample("running"));
  await job(reporter, sample("succeeded-swap"));
  assert.equal(asked, 30);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /the pull request could not be commented on: .*after 30 pages there is no end.*job summary/,
  );
});

test("without a pull request nothing is asked of GitHub, and it is said once", async (t) => {
  const sandbox = await bench(t, {}, undefined);
  const warnings: string[] = [];
  const telling = comment({
    clock: nodeClock,
    github: connectGitHub({ network: nodeWorld(), apiUrl: sandbox.sandbox.url, token: "ghs_token", isPaced: false }),
    repository,
    pullRequest: async () => undefined,
    environment: "",
    links,
    warn: (message) => warnings.push(message),
  });
  await job(telling, sample("running"), sample("succeeded-swap"));
  assert.deepEqual(sandbox.sandbox.requests, []);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /no pull request/);
});

test("when GitHub wants to be left alone it is, and the end is still told after the pause", async (t) => {
  const { sandbox, reporter, warnings } = await bench(t);
  const telling = reporter();
  sandbox.fail({
    method: "POST",
    path: /comments$/,
    status: 403,
    message: "You have exceeded a secondary rate limit",
    headers: { "retry-after": "60" },
  });
  const now = Date.now();
  telling.report({ ...sample("running"), now });
  await until(() => warnings.length === 1);
  telling.report({ ...sample("waiting"), now: now + 31_000 });
  await until(() => sandbox.requests.length >= 3);
  const before = sandbox.requests.length;
  await job(telling, { ...sample("succeeded-swap"), now: now + 3_600_000 });
  assert.equal(before, 3);
  assert.equal(sandbox.comments(7).length, 1);
  assert.equal(warnings.length, 1);
});

test("a comment with everything at its longest is taken by GitHub, and its marker and heading are there", async (t) => {
  const { sandbox, reporter, warnings } = await bench(t);
  const long = "|`<@ada #1".repeat(2_000);
  const stages = Array.from({ length: 100 }, (_, index) => ({
    ...(plan.stages[0] ?? assert.fail()),
    name: `${index} ${long}`,
  }));
  const account: Account = {
    ...sample("not-settled"),
    plan: { ...plan, stages },
    reason: told(long),
    warnings: Array.from({ length: 100 }, () => long),
    differences: Array.from({ length: 100 }, () => long),
    log: Array.from({ length: 200 }, (_, index) => ({
      at: start + index,
      do: "route",
      reason: told(`${index} ${long}`),
    })),
  };
  await job(reporter(), account);
  assert.deepEqual(warnings, []);
  assert.match(
    sandbox.comments(7)[0]?.body ?? "",
    /^<!-- istio-canary environment=production namespace=shop service=reviews -->\n(<!-- .* -->\n)+### ⚠️ shop\/reviews/,
  );
});

/** Something happens in the background, and there is nothing to await. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What `plan` or a refusal tells beside a release. */
const refusal = (at: number, open?: number | "unread", line = "no such subset"): Notice => ({
  kind: "refused",
  command: "release",
  subject: target,
  cluster: { context: "prod", host: "10.0.0.1" },
  run: { id: "1" },
  at,
  lines: [line],
  ...(open === "unread" ? {} : { journal: { open } }),
});

for (const [what, release, notice, isTold] of [
  ["after a release that is over", "succeeded-swap", refusal(start + 3_600_000), true],
  ["that began before the release ended", "succeeded-swap", refusal(start + 1_000), false],
  ["while the release runs", "running", refusal(start + 3_600_000, samples.running?.startedAt), false],
  ["while the release waits", "waiting", refusal(start + 3_600_000, samples.waiting?.startedAt), false],
  ["after a release that somebody ended elsewhere", "waiting", refusal(start + 3_600_000), true],
  ["over files, while the release waits for all that is known", "waiting", refusal(start + 3_600_000, "unread"), false],
  ["over files, after a release that is over", "succeeded-swap", refusal(start + 3_600_000, "unread"), true],
] as const)
  test(`a notice ${what} ${isTold ? "takes the comment, which remembers the release" : "leaves the comment as it is"}`, async (t) => {
    const { sandbox, reporter, warnings } = await bench(t);
    await job(reporter(), sample(release));
    await reporter().notice(notice, AbortSignal.timeout(60_000));
    const [only, ...others] = sandbox.comments(7);
    assert.deepEqual([others, warnings], [[], []]);
    assert.equal(/refused, and nothing was changed/.test(only?.body ?? ""), isTold);
    assert.equal(/Earlier releases/.test(only?.body ?? ""), isTold);
    await job(reporter(), { ...sample("running"), startedAt: start + 7_200_000, now: start + 7_200_001 });
    const body = sandbox.comments(7)[0]?.body ?? "";
    assert.match(body, /Earlier releases/);
    assert.doesNotMatch(body, /refused, and nothing was changed/);
  });

test("a notice makes the comment where there is none, an older one leaves a newer one, and no pull request is no trouble", async (t) => {
  const { sandbox, reporter, posted } = await bench(t);
  await reporter().notice(refusal(start + 2), AbortSignal.timeout(60_000));
  await reporter().notice(refusal(start + 1, undefined, "older"), AbortSignal.timeout(60_000));
  assert.match(sandbox.comments(7)[0]?.body ?? "", /no such subset/);
  assert.equal(posted.length, 1);
  const { reporter: alone, warnings } = await bench(t, {}, undefined);
  await alone().notice(refusal(start), AbortSignal.timeout(60_000));
  assert.deepEqual(warnings, []);
});

test("a notice that cannot be written is said once, and rejects nobody", async (t) => {
  const { sandbox, reporter, warnings } = await bench(t);
  sandbox.fail({ method: "POST", path: /comments$/, status: 403, message: "Resource not accessible by integration" });
  await reporter().notice(refusal(start), AbortSignal.timeout(60_000));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /pull-requests: write/);
});
