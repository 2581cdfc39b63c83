import assert from "node:assert/strict";
import test from "node:test";
import { jobRun } from "../../../src/adapters/github/job-run.ts";

const onGitHub = { runId: "4711", runUrl: "https://github.com/acme/shop/actions/runs/4711", actor: "octocat" };
const job = { GITHUB_RUN_ATTEMPT: "1", GITHUB_JOB: "release" };

const chance = (number: number) => ({ random: () => number });

test("the steps of one job are one run, with its page and who started it", () => {
  const run = { id: "4711-1-release", url: onGitHub.runUrl, actor: "octocat" };
  for (const number of [0.1, 0.9]) assert.deepEqual(jobRun(onGitHub, job, chance(number)), run);
});

test("a job that is run again is another run, and so is another job of the workflow", () => {
  const jobs = [job, { ...job, GITHUB_RUN_ATTEMPT: "2" }, { ...job, GITHUB_JOB: "other" }];
  const ids = jobs.map((env) => jobRun(onGitHub, env, chance(0.5)).id);
  assert.equal(new Set(ids).size, 3, ids.join());
});

test("the legs of a matrix are runs of their own, by what their runners tell; the steps of each are one", () => {
  const legs = [
    { ...job, RUNNER_TRACKING_ID: "github_1", RUNNER_NAME: "GitHub Actions 7" },
    { ...job, RUNNER_TRACKING_ID: "github_2", RUNNER_NAME: "GitHub Actions 7" },
    { ...job, RUNNER_TRACKING_ID: "", RUNNER_NAME: "GitHub Actions 8" }, // in a container
    { ...job, RUNNER_NAME: "GitHub Actions 9" },
  ];
  const ids = legs.map((env) => [0.1, 0.9].map((number) => jobRun(onGitHub, env, chance(number)).id));
  for (const [first, second] of ids) assert.equal(first, second);
  assert.equal(new Set(ids.flat()).size, legs.length, ids.join());
});

test("outside of GitHub each process is a run of its own, called after its host", () => {
  const one = jobRun({}, { HOSTNAME: "pod-1" }, chance(0.1));
  const other = jobRun({}, { HOSTNAME: "pod-1" }, chance(0.9));
  assert.match(one.id, /^pod-1-[0-9a-f]{8}$/);
  assert.notEqual(one.id, other.id);
  assert.match(jobRun({}, {}, chance(0.1)).id, /^local-[0-9a-f]{8}$/);
  assert.deepEqual([one.url, one.actor], [undefined, undefined]);
});
