import { uuid } from "../../lib/uuid.ts";
import type { Run } from "../../release/release-record.ts";
import type { World } from "../../world/world.ts";
import type { GitHubContext } from "./context.ts";

/**
 * Who this job is, in the journal and in the lock. The steps of one job are one, so that the second can end what the
 * first began; a job that somebody runs again is another, for it releases anew. Outside of GitHub every process is its
 * own.
 */
export function jobRun(
  { runId, runUrl, actor }: Pick<GitHubContext, "runId" | "runUrl" | "actor">,
  env: Readonly<Record<string, string | undefined>>,
  { random }: Pick<World, "random">,
): Run {
  const { GITHUB_RUN_ATTEMPT: attempt, GITHUB_JOB: job, HOSTNAME: host = "local" } = env;
  const parts = runId === undefined ? [host, uuid(random).slice(0, 8)] : [runId, attempt, job];
  return { id: parts.filter(Boolean).join("-"), url: runUrl, actor };
}
