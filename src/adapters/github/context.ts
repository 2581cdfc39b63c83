import * as z from "zod/mini";
import type { Repository } from "./client.ts";

/** What GitHub Actions says about the job, read once. */
export type GitHubContext = {
  /** True where a GitHub runner reads the output: workflow commands and groups mean something. */
  readonly actions: boolean;
  readonly apiUrl: string;
  readonly repository?: Repository;
  /** The commit that the workflow runs for; of a pull request, its own newest commit and not the merge that GitHub made. */
  readonly sha?: string;
  readonly actor?: string;
  readonly runId?: string;
  readonly runUrl?: string;
  /** The page with the button "Run workflow". */
  readonly workflowUrl?: string;
  /** Number of the pull request, where the event names one. */
  readonly pullRequest?: number;
  /** GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. */
  readonly outputFile?: string;
  readonly summaryFile?: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

const reference = z.object({ number: z.number() });
const event = z.object({
  pull_request: z.optional(z.object({ number: z.number(), head: z.optional(z.object({ sha: z.string() })) })),
  issue: z.optional(z.object({ number: z.number(), pull_request: z.unknown() })),
  workflow_run: z.optional(z.object({ head_sha: z.string(), pull_requests: z.optional(z.array(reference)) })),
});
type Event = z.infer<typeof event>;

/** `readText` reads GITHUB_EVENT_PATH; an event that cannot be read is as good as none. */
export function readContext(environment: Environment, readText: (path: string) => string): GitHubContext {
  const set = (name: string): string | undefined => environment[name] || undefined;
  const repository = set("GITHUB_REPOSITORY");
  const server = (set("GITHUB_SERVER_URL") ?? "https://github.com").replace(/\/$/, "");
  const runId = set("GITHUB_RUN_ID");
  const payload = readEvent(set("GITHUB_EVENT_PATH"), readText);
  const workflow = /\.github\/workflows\/([^@]+)@/.exec(set("GITHUB_WORKFLOW_REF") ?? "")?.[1];
  return present({
    actions: environment.GITHUB_ACTIONS === "true",
    apiUrl: set("GITHUB_API_URL") ?? "https://api.github.com",
    repository,
    sha: payload.pull_request?.head?.sha ?? payload.workflow_run?.head_sha ?? set("GITHUB_SHA"),
    actor: set("GITHUB_TRIGGERING_ACTOR") ?? set("GITHUB_ACTOR"),
    runId,
    runUrl:
      repository && runId
        ? `${server}/${repository}/actions/runs/${runId}${attempt(set("GITHUB_RUN_ATTEMPT"))}`
        : undefined,
    workflowUrl: repository && workflow ? `${server}/${repository}/actions/workflows/${workflow}` : undefined,
    pullRequest: pullRequestIn(payload),
    outputFile: set("GITHUB_OUTPUT"),
    summaryFile: set("GITHUB_STEP_SUMMARY"),
  });
}

/** The page of a run shows its newest attempt, which is not this one after somebody runs it again. */
const attempt = (number: string | undefined): string =>
  number === undefined || number === "1" ? "" : `/attempts/${number}`;

function readEvent(path: string | undefined, readText: (path: string) => string): Event {
  if (path === undefined) return {};
  try {
    return event.safeParse(JSON.parse(readText(path))).data ?? {};
  } catch {
    return {}; // a file that is missing or cut off
  }
}

/** A comment on an issue is no pull request; runs of forks come with an empty list. */
function pullRequestIn({ pull_request, issue, workflow_run }: Event): number | undefined {
  if (pull_request) return pull_request.number;
  if (issue?.pull_request) return issue.number;
  return workflow_run?.pull_requests?.[0]?.number;
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Under exactOptionalPropertyTypes a field that is unknown has to be absent. */
function present(context: Loose<GitHubContext> & Pick<GitHubContext, "actions" | "apiUrl">): GitHubContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined)) as GitHubContext;
}
