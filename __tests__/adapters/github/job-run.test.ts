import assert from "node:assert/strict";
import test from "node:test";
import { readContext } from "../../../src/adapters/github/context.ts";
import { jobRun } from "../../../src/adapters/github/job-run.ts";

const job = {
  GITHUB_REPOSITORY: "acme/shop",
  GITHUB_RUN_ID: "4711",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_JOB: "release",
  GITHUB_ACTOR: "octocat",
};

const runIn = (env: Readonly<Record<string, string>>, random = 0.5) =>
  jobRun(
    readContext(env, () => ""),
    env,
    { random: () => random },
  );

test("the steps of one job are one run, with its page and who started it", () => {
  assert.deepEqual(runIn(job, 0.1), runIn(job, 0.9));
  assert.deepEqual(runIn(job), {
    id: "4711-1-release",
    url: "https://github.com/acme/shop/actions/runs/4711",
    actor: "octocat",
  });
});

test("a job that is run again is another run, and so is another job of the workflow", () => {
  const ids = [job, { ...job, GITHUB_RUN_ATTEMPT: "2" }, { ...job, GITHUB_JOB: "other" }].map((env) => runIn(env).id);
  assert.equal(new Set(ids).size, 3, ids.join());
});

test("outside of GitHub each process is a run of its own, called after its host", () => {
  const [one, other] = [runIn({ HOSTNAME: "pod-1" }, 0.1), runIn({ HOSTNAME: "pod-1" }, 0.9)];
  assert.match(one.id, /^pod-1-[0-9a-f]{8}$/);
  assert.notEqual(one.id, other.id);
  assert.match(runIn({}).id, /^local-[0-9a-f]{8}$/);
  assert.deepEqual([one.url, one.actor], [undefined, undefined]);
});
