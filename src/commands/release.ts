import { formatDuration } from "../lib/duration.ts";
import { UnsettledError } from "../lib/errors.ts";
import type { HeldLock } from "../ports/lock.ts";
import { keptUntil, withoutOld } from "../release/kept-old.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import { exchangedInWords } from "../words/scene-setting.ts";
import { hindrancesInWords, serviceInWords } from "../words/standing-text.ts";
import { conclude } from "./conclude.ts";
import { earlierWord, refusalByWaiting } from "./earlier-release.ts";
import { launch } from "./launch.ts";
import { locked } from "./locked.ts";
import { orient } from "./orient.ts";
import { required, untouched } from "./preconditions.ts";
import { backFrom } from "./rollback.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";

/** The whole job: look, deploy, shift, judge, promote or roll back. */
export async function release(session: Session): Promise<ExitCode> {
  required(session.config);
  return locked(session, { force: false }, async (held) => {
    await finishEarlier(session, held);
    const wanted = await orient(session);
    if (wanted.exchanged) session.messages.print(exchangedInWords(wanted.target));
    return launch(session, wanted, held.lost);
  });
}

/**
 * A job that died (its runner was lost), or could not go on, left its release half-way. It is ended before another one
 * begins: a promotion forward, everything else back. One that waits for approval is somebody's decision and is left
 * alone.
 */
async function finishEarlier(session: Session, held: HeldLock): Promise<void> {
  let earlier = "";
  const taken = await untouched(
    takeOver(session, { held, evenUnsaved: false }, (record) => {
      earlier = earlierWord(record);
      return unfinished(session, record);
    }),
  );
  if (!taken) return;
  const account = await conclude(session, taken, held.lost, { taken: true });
  if (account.settled) return;
  throw new UnsettledError(
    `${serviceInWords(taken.target)}: ${earlier} could not be ended: ${hindrancesInWords(account)}`,
    { next: "Put that right by hand, run `rollback`, then release again." },
  );
}

/** What is to become of an earlier release; undefined when it is over. */
function unfinished({ clock, messages, run }: Session, record: ReleaseRecord): ReleaseRecord | undefined {
  const { startedAt, state } = record;
  const now = clock.now();
  if (keptUntil(state) !== undefined) return { ...withoutOld(record, now), run };
  if (isOver(state)) return undefined;
  const refusal = refusalByWaiting(record, now);
  if (refusal) throw refusal;
  messages.warn(
    `${earlierWord(record)}, begun ${formatDuration(now - startedAt)} ago, was left half-way; it is ended first`,
  );
  return { ...record, run, state: backFrom(record, { kind: "left-half-way" }, now) };
}
