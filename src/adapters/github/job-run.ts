import { uuid } from "../../lib/uuid.ts";
import type { Run } from "../../release/release-record.ts";
import type { World } from "../../world/world.ts";
import type { GitHubContext } from "./context.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Who this job is, in the journal and in the lock. The steps of one job are one, so that the second can end what the
 * first began; a job that somebody runs again is another, for it releases anew, and so is every leg of a matrix, which
 * only the runner tells apart. Outside of GitHub every process is its own.
 */
export function jobRun(
  { runId, runUrl, actor }: Pick<GitHubContext, "runId" | "runUrl" | "actor">,
  env: Environment,
  { random }: Pick<World, "random">,
): Run {
  const { GITHUB_RUN_ATTEMPT: attempt, GITHUB_JOB: job, HOSTNAME: host = "local" } = env;
  const parts = runId === undefined ? [host, uuid(random).slice(0, 8)] : [runId, attempt, job, executionOf(env)];
  return { id: parts.filter(Boolean).join("-"), url: runUrl, actor };
}

/**
 * The runner makes a tracking id for each job that it executes, and its processes inherit it; a container gets its name
 * alone, and no runner executes two jobs at once. docs/decisions/0009-who-a-job-is-and-what-time-it-is.md
 */
const executionOf = ({ RUNNER_TRACKING_ID: tracking, RUNNER_NAME: runner }: Environment): string | undefined =>
  tracking || runner;
