import { inert, inLines } from "./lines.ts";

/**
 * Errors that people read. `message` says what and where, `next` what to do about it. A list is told in as many lines,
 * anything else in one, whatever somebody outside has said in it.
 * Whoever throws one does not log it, and keeps the error below as `cause`.
 */
export abstract class ToldError extends Error {
  readonly next: string | undefined;

  constructor(
    message: string | readonly string[],
    options: { readonly next?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(inLines([message].flat()), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.next = options.next === undefined ? undefined : inert(options.next);
  }
}

/** The user's configuration or the cluster's present state forbids the release; nothing was changed. Exit code 2. */
export class RefusedError extends ToldError {}

/** The cluster, Prometheus or GitHub said no, and asking again will not help. */
export class DeniedError extends ToldError {}

/** What a job that died had left half-way could not be ended: somebody has to look. */
export class UnsettledError extends ToldError {}

/** The other side could not be reached, or was too busy, after every retry. Asking later may help. */
export class UnreachableError extends ToldError {}

/** Somebody else changed it after it was looked at. Nothing was written: it has to be looked at again. */
export class StrayedError extends ToldError {}

/** Another job took the release over. This one stops. */
export class TakenOverError extends ToldError {}

/** For what may go wrong without harm: throws where the release is another job's, and lets everything else pass. */
export function unlessTakenOver(error: unknown): void {
  if (error instanceof TakenOverError) throw error;
}

/** Whether Node says that there is no such file. */
export const isMissingFile = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * What there is to say, then what to do about it, as two sentences: what an API server or Prometheus says has no full
 * stop.
 */
export function withNext(what: string, next: string | undefined): string {
  if (!next) return what;
  if (/[.!?:]$/.test(what)) return `${what} ${next}`;
  return `${what}. ${next}`;
}

/** One line for a report: the message, then what to do, then the causes that add something. */
export function tell(error: unknown): string {
  if (!(error instanceof Error)) return inert(String(error));
  const message = error instanceof ToldError ? withNext(error.message, error.next) : inert(error.message);
  const { cause } = error;
  if (!(cause instanceof Error) || error.message.includes(inert(cause.message))) return message;
  return `${message} (${tell(cause)})`;
}
