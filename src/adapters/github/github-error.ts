import * as z from "zod/mini";
import type { Instant } from "../../lib/duration.ts";
import { DeniedError, UnreachableError } from "../../lib/errors.ts";

/** GitHub answered, and not with what was asked for. */
export class GitHubError extends DeniedError {
  readonly status: number;
  /** Nothing is forbidden for good: GitHub wants to be left alone until then. */
  readonly busyUntil: Instant | undefined;

  constructor(message: string, status: number, busyUntil?: Instant) {
    super(message);
    this.status = status;
    this.busyUntil = busyUntil;
  }
}

/** A list whose pages go on beyond what GitHub keeps: something on the way answers for it. */
export class EndlessPages extends GitHubError {}

/** What a token needs for GitHub to do what it refused: a new one, or `permission`. Undefined: it is not the token. */
export function lackOfToken(error: unknown, permission: string): string | undefined {
  if (!(error instanceof GitHubError) || error.busyUntil !== undefined) return undefined;
  if (error.status === 401) return "The token is not valid, or not any more.";
  return [403, 404].includes(error.status) ? permission : undefined;
}

const headers = z.record(z.string(), z.unknown());
const explanation = z.object({ message: z.string() });

/** What Octokit throws: an answer of REST; none at all; errors of GraphQL, which come with 200. */
const octokitError = z.union([
  z.object({ status: z.number(), response: z.object({ headers, data: z.unknown() }) }),
  z.object({ status: z.number(), cause: z.instanceof(UnreachableError) }),
  z.object({ name: z.literal("GraphqlResponseError"), headers, errors: z.array(explanation) }),
]);

/**
 * An error of Octokit's as a GitHubError or UnreachableError, and any other as it is. `what` is how people read it:
 * "creating a comment on acme/shop#7"; a pause that GitHub asks for is counted from `now`.
 */
export function githubError(what: string, error: unknown, now: Instant): unknown {
  const { data: known } = octokitError.safeParse(error);
  if (known === undefined) return error;
  if ("cause" in known) return known.cause;
  const answer = "response" in known ? restAnswer(known.status, known.response) : graphqlAnswer(known);
  const { status, message } = answer;
  return new GitHubError(`GitHub: ${what}: ${message} (${status})`, status, busyUntil(answer, now));
}

type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly message: string;
};

function restAnswer(status: number, answer: Pick<Refusal, "headers"> & { readonly data: unknown }): Refusal {
  const message = explanation.safeParse(answer.data).data?.message ?? "no explanation was given";
  return { status, headers: answer.headers, message };
}

function graphqlAnswer({
  headers,
  errors,
}: Pick<Refusal, "headers"> & { readonly errors: readonly z.infer<typeof explanation>[] }): Refusal {
  return { status: 200, headers, message: errors.map(({ message }) => message).join("; ") };
}

/**
 * Both limits come as 403 or 429, of GraphQL as 200:
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
function busyUntil({ status, headers, message }: Refusal, now: Instant): Instant | undefined {
  if (![200, 403, 429].includes(status)) return undefined;
  const pause = numberIn(headers["retry-after"]);
  if (pause !== undefined) return now + pause * 1_000;
  const reset = numberIn(headers["x-ratelimit-reset"]);
  if (reset !== undefined && headers["x-ratelimit-remaining"] === "0") return reset * 1_000;
  return status === 429 || /rate limit/i.test(message) ? now + 60_000 : undefined;
}

function numberIn(header: unknown): number | undefined {
  const number = Number(header ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}
