import type { GitHubContext } from "./context.ts";
import type { GitHub, PullRequest } from "./github.ts";

/**
 * The pull request that a release belongs to: the one that was given, the event's, or the commit's. Of several that
 * have the commit: the one whose head it is, else an open one, else the newest. Undefined when there is none.
 */
export async function findPullRequest(
  github: GitHub,
  context: GitHubContext,
  given: number | undefined,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const known = given ?? context.pullRequest;
  if (known !== undefined || context.repository === undefined || context.sha === undefined) return known;
  const { sha } = context;
  const rank = ({ head, open, number }: PullRequest): readonly number[] => [Number(head === sha), Number(open), number];
  const candidates = await github.pullRequestsOf(context.repository, sha, signal);
  return [...candidates].sort((a, b) => compare(rank(b), rank(a)))[0]?.number;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, at) => value !== b[at]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
