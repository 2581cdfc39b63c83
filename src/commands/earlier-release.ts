import { formatDuration, type Instant } from "../lib/duration.ts";
import { DeniedError, RefusedError, ToldError, UnreachableError } from "../lib/errors.ts";
import type { Finding } from "../ports/preflight.ts";
import { knownImage } from "../release/known-image.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import { nextCommand } from "../words/next-command.ts";
import { serviceInWords } from "../words/standing-text.ts";
import { withNote } from "./locked.ts";
import type { Session } from "./session.ts";

export const earlierWord = (record: ReleaseRecord): string =>
  withNote(`the release of ${knownImage(record) ?? record.target.canary.deployment}`, record.run.url);

/** One that waits for approval is somebody's decision: no other begins beside it. */
export function refusalByWaiting(record: ReleaseRecord, now: Instant): RefusedError | undefined {
  const { target, state } = record;
  if (state.phase !== "waiting") return undefined;
  return new RefusedError(
    `${serviceInWords(target)}: ${earlierWord(record)} has been waiting for a decision for ${formatDuration(now - state.since)}.`,
    {
      next: `To finish it: ${nextCommand("promote", record)}. To end it: ${nextCommand("rollback", record)}. Then release again.`,
    },
  );
}

/**
 * What `release` would meet in the journal, for `plan` to say the same, before what was found in the cluster. Weights
 * that a release has moved which is under way are its own: nobody shall give them back by hand.
 */
export async function inspectEarlier(
  { journal, clock }: { readonly journal: Pick<Session["journal"], "load"> } & Pick<Session, "clock">,
  found: readonly Finding[],
): Promise<readonly Finding[]> {
  try {
    const record = await journal.load();
    if (!record || isOver(record.state)) return found;
    const unexplained = found.filter(({ canaryServes }) => !canaryServes);
    const refusal = refusalByWaiting(record, clock.now());
    if (refusal) return [refused(refusal), ...unexplained];
    return [underWay(record, unexplained.length < found.length ? "refuse" : "warn"), ...unexplained];
  } catch (error) {
    // What may not be read is told among the permissions.
    if (error instanceof DeniedError) return found;
    if (error instanceof ToldError && !(error instanceof UnreachableError)) return [refused(error), ...found];
    throw error;
  }
}

const refused = ({ message, next }: ToldError): Finding => ({ level: "refuse", what: message, next });

const underWay = (record: ReleaseRecord, level: Finding["level"]): Finding => ({
  level,
  what: `${serviceInWords(record.target)}: ${earlierWord(record)} has not ended: as long as its job runs no other begins, and if that job is dead it is ended first.`,
  next: `Wait for it. Where it is: ${nextCommand("status", record)}. To end it: ${nextCommand("rollback", record)}.`,
});
