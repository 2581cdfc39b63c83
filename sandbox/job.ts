import type { Sandbox } from "./sandbox.ts";

export type JobOptions = {
  /** Two steps of one job share it. */
  readonly runId: string;
  /** The commit that the workflow runs for. Default: one that no pull request has. */
  readonly sha?: string;
};

/** What a runner, and the steps before ours, have put into the environment of a job in repository acme/shop. */
export const jobEnvironment = (
  { github }: Sandbox,
  kubeconfig: string,
  { runId, sha = "0".repeat(40) }: JobOptions,
): Readonly<Record<string, string>> => ({
  GITHUB_ACTIONS: "true",
  GITHUB_API_URL: github.url,
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "acme/shop",
  GITHUB_SHA: sha,
  GITHUB_RUN_ID: runId,
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_JOB: "release",
  GITHUB_ACTOR: "octocat",
  GITHUB_WORKFLOW_REF: "acme/shop/.github/workflows/release.yml@refs/heads/main",
  KUBECONFIG: kubeconfig,
});
