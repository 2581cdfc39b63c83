import type { Config } from "../config/config.ts";
import { DeniedError, RefusedError, withNext } from "../lib/errors.ts";
import type { Finding } from "../ports/preflight.ts";
import type { Session } from "./session.ts";

/** The part of the configuration that a release needs; config/ has refused a command that lacks it. */
export function required({ release, command }: Config): NonNullable<Config["release"]> {
  if (release) return release;
  throw new RefusedError(`The command ${command} needs the whole configuration: stable, canary and stages.`, {
    next: "Give the input `config`.",
  });
}

/** Between looking and doing: a job that was cancelled meanwhile does nothing. */
export function unlessStopped({ stop }: Session): void {
  if (stop.aborted) throw new RefusedError(`${String(stop.reason)}, before anything was changed.`);
}

/** Tells what was found, and throws with everything that forbids going on under one heading. */
export function unlessRefused({ messages }: Session, findings: readonly Finding[], heading: string): void {
  const refusals: string[] = [];
  for (const { level, what, next } of findings) {
    if (level === "warn") messages.warn(withNext(what, next));
    if (level === "refuse") refusals.push(`  ✗ ${withNext(what, next)}`);
  }
  if (refusals.length > 0) throw new RefusedError([heading, ...refusals]);
}

/** What is denied while nothing has been changed yet is a refusal of the whole job: there is nothing to settle. */
export async function untouched<T>(looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    if (!(error instanceof DeniedError)) throw error;
    const { message, next = "The command `plan` tells everything that is missing at once." } = error;
    const isSaid = next.startsWith(unchanged);
    throw new RefusedError(message, { next: isSaid ? next : `${unchanged} ${next}`, cause: error });
  }
}

const unchanged = "Nothing was changed.";
