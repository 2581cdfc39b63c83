import type { Instant, Millis } from "../lib/duration.ts";
import type { Clock } from "./clock.ts";
import type { HttpAnswer } from "./transport.ts";

/** When something is sent again, and after which pauses. */
export type RetryPolicy<Answer extends HttpAnswer = HttpAnswer> = {
  /** Before the second attempt, the third, and so on: there are as many retries as pauses. */
  readonly pauses: readonly Millis[];
  /** Whether an answer means "not now", after so many that did. No answer at all always does. */
  readonly isPassing: (answer: Answer, before: number) => boolean;
  /** An answer may ask for another pause than the usual one, by `Retry-After`; up to this one it is heeded. */
  readonly longestPause: Millis;
  /** When it asks for more: come back after the longest pause all the same, or give the answer to whoever asked. */
  readonly beyond: "come back early" | "give up";
};

/** Too busy, or broken for the moment. */
export const isPassing = ({ status }: HttpAnswer): boolean => status === 429 || status >= 500;

/**
 * Attempts until there is an answer that is worth something, or no attempt is left. Gives the last answer, whatever its
 * status; rejects with the failure of the last attempt, or with the signal's reason.
 */
export async function retry<Answer extends HttpAnswer>(
  attempt: () => Promise<Answer>,
  policy: RetryPolicy<Answer>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    signal?.throwIfAborted();
    const outcome = await outcomeOf(attempt);
    signal?.throwIfAborted();
    const pause = pauseAfter(outcome, tries, policy, clock.now());
    if (pause === undefined) return unwrap(outcome);
    await clock.sleepUntil(clock.now() + pause, signal);
  }
}

type AttemptOutcome<Answer> = { readonly answer: Answer } | { readonly failure: unknown };

const outcomeOf = <Answer>(attempt: () => Promise<Answer>): Promise<AttemptOutcome<Answer>> =>
  attempt().then(
    (answer) => ({ answer }),
    (failure: unknown) => ({ failure }),
  );

function unwrap<Answer>(outcome: AttemptOutcome<Answer>): Answer {
  if ("failure" in outcome) throw outcome.failure;
  return outcome.answer;
}

/** Undefined when it is not attempted again. */
function pauseAfter<Answer extends HttpAnswer>(
  outcome: AttemptOutcome<Answer>,
  tries: number,
  policy: RetryPolicy<Answer>,
  now: Instant,
): Millis | undefined {
  const usual = policy.pauses[tries];
  if (usual === undefined) return undefined;
  if ("failure" in outcome) return usual;
  if (!policy.isPassing(outcome.answer, tries)) return undefined;
  const asked = retryAfter(outcome.answer, now);
  if (asked === undefined) return usual;
  if (asked <= policy.longestPause) return asked;
  return policy.beyond === "give up" ? undefined : policy.longestPause;
}

/** In seconds, or as a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3. "At once" asks for nothing. */
function retryAfter({ headers }: HttpAnswer, now: Instant): Millis | undefined {
  const text = headers["retry-after"] ?? "";
  const pause = /^\s*\d+\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return pause > 0 ? pause : undefined;
}
