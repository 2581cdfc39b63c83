import { DeniedError } from "../../lib/errors.ts";
import type { JsonAnswer } from "../../world/request-json.ts";

/** GitHub answered, and not with what was asked for. */
export class GitHubError extends DeniedError {
  readonly status: number;
  /** Nothing is forbidden for good: GitHub wants to be left alone until then (milliseconds since the epoch). */
  readonly busyUntil: number | undefined;

  constructor(message: string, status: number, busyUntil?: number) {
    super(message);
    this.status = status;
    this.busyUntil = busyUntil;
  }
}

/** `now` is what a pause that GitHub asks for is counted from. */
export function githubError(what: string, { status, headers, body }: JsonAnswer, now: number): GitHubError {
  const message = isObject(body) && typeof body.message === "string" ? body.message : "no explanation was given";
  return new GitHubError(`GitHub: ${what}: ${message} (${status})`, status, busyUntil(status, headers, message, now));
}

/** Both limits come as 403 or 429: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
function busyUntil(
  status: number,
  headers: Readonly<Record<string, string>>,
  message: string,
  now: number,
): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const pause = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(pause)) return now + pause * 1_000;
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  if (headers["x-ratelimit-remaining"] === "0" && Number.isFinite(reset)) return reset * 1_000;
  return status === 429 || /rate limit/i.test(message) ? now + 60_000 : undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
