import { readFileSync } from "node:fs";
import type { context } from "@actions/github";
import * as z from "zod/mini";
import type { Repository } from "./github.ts";

/** What GitHub Actions says about the job, read once. */
export type GitHubContext = {
  /** True where a GitHub runner reads the output: workflow commands and groups mean something. */
  readonly actions: boolean;
  readonly apiUrl: string;
  readonly repository?: Repository | undefined;
  /**
   * The commit that the workflow runs for; of a pull request, its own newest commit and not the merge that GitHub made.
   */
  readonly sha?: string | undefined;
  readonly actor?: string | undefined;
  readonly runId?: string | undefined;
  readonly runUrl?: string | undefined;
  /** The page with the button "Run workflow". */
  readonly workflowUrl?: string | undefined;
  /** Number of the pull request, where the event names one. */
  readonly pullRequest?: number | undefined;
  /** GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. */
  readonly outputFile?: string | undefined;
  readonly summaryFile?: string | undefined;
};

/** The context that @actions/github reads from the environment when it is imported. */
export type JobContext = Pick<
  typeof context,
  "apiUrl" | "serverUrl" | "repo" | "sha" | "actor" | "runAttempt" | "payload"
>;

/**
 * Whether GITHUB_EVENT_PATH holds an event. Without one, @actions/github would print something, and throw at one that
 * is cut off.
 */
export function isEvent(path: string | undefined): boolean {
  try {
    JSON.parse(readFileSync(path ?? "", "utf8"));
    return true;
  } catch {
    return false;
  }
}

const reference = z.object({ number: z.number() });
const event = z.object({
  pull_request: z.optional(z.object({ number: z.number(), head: z.optional(z.object({ sha: z.string() })) })),
  issue: z.optional(z.object({ number: z.number(), pull_request: z.unknown() })),
  workflow_run: z.optional(z.object({ head_sha: z.string(), pull_requests: z.optional(z.array(reference)) })),
});
type Event = z.infer<typeof event>;

/** What releases need of the job's context, and what it leaves out of the environment. */
export function readContext(job: JobContext, environment: Readonly<NodeJS.ProcessEnv>): GitHubContext {
  const set = (name: string): string | undefined => environment[name] || undefined;
  const repository = set("GITHUB_REPOSITORY") === undefined ? undefined : job.repo;
  // As text: to the context it is a number, and one that is none elsewhere would tell two steps of a job apart.
  const runId = set("GITHUB_RUN_ID");
  const payload = event.safeParse(job.payload).data ?? {};
  return {
    actions: environment.GITHUB_ACTIONS === "true",
    apiUrl: job.apiUrl,
    repository,
    sha: payload.pull_request?.head?.sha ?? payload.workflow_run?.head_sha ?? job.sha,
    actor: set("GITHUB_TRIGGERING_ACTOR") ?? job.actor,
    runId,
    ...pagesOf(job, runId, repository, set("GITHUB_WORKFLOW_REF")),
    pullRequest: pullRequestIn(payload),
    outputFile: set("GITHUB_OUTPUT"),
    summaryFile: set("GITHUB_STEP_SUMMARY"),
  };
}

function pagesOf(
  { serverUrl, runAttempt }: JobContext,
  runId: string | undefined,
  repository: Repository | undefined,
  workflowRef = "",
): Pick<GitHubContext, "runUrl" | "workflowUrl"> {
  if (repository === undefined) return {};
  const actions = `${serverUrl}/${repository.owner}/${repository.repo}/actions`;
  const attempt = runAttempt > 1 ? `/attempts/${runAttempt}` : ""; // the page of a run shows its newest attempt
  const workflow = /\.github\/workflows\/([^@]+)@/.exec(workflowRef)?.[1];
  return {
    runUrl: runId === undefined ? undefined : `${actions}/runs/${runId}${attempt}`,
    workflowUrl: workflow === undefined ? undefined : `${actions}/workflows/${workflow}`,
  };
}

/** A comment on an issue is no pull request; runs of forks come with an empty list. */
function pullRequestIn({ pull_request, issue, workflow_run }: Event): number | undefined {
  if (pull_request) return pull_request.number;
  if (issue?.pull_request) return issue.number;
  return workflow_run?.pull_requests?.[0]?.number;
}
