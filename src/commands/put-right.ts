import { RefusedError, tell } from "../lib/errors.ts";
import type { HeldLock } from "../ports/lock.ts";
import { askedLast } from "../release/asked-with.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { roles } from "../release/target.ts";
import { winnerAfter } from "../release/transition.ts";
import { isUndoable } from "../release/undoing.ts";
import { nextCommand } from "../words/next-command.ts";
import { endInWords, notAsItShouldBe, replacedInWords, serviceInWords, winnerInWords } from "../words/standing-text.ts";
import { isEmptied, reviveWinner } from "./revive-winner.ts";
import type { ExitCode, Session } from "./session.ts";
import { podlessAmong, strays } from "./strays.ts";
import { ofThisJob, takeOver } from "./take-over.ts";

/**
 * A release that is over has nothing to be rolled back, and that is a refusal. But requests that go where they should
 * not are given to the version that won, and a stable that won, and that somebody scaled to 0, gets its pods.
 */
export async function putRight(session: Session, record: ReleaseRecord, held: HeldLock): Promise<ExitCode> {
  const { messages } = session;
  const found = await strays(session, record);
  if (found.length === 0) {
    messages.nothingLeft();
    throw nothingRolledBack(session, record);
  }
  messages.print(notAsItShouldBe(`${serviceInWords(record.target)}: ${endInWords(record)}`, found));
  const hindrance = await giveToWinner(session, record, held).catch(tell);
  const left = await strays(session, record);
  if (left.length === 0) {
    messages.print(`It was put right: ${winnerInWords(record)}.`);
    messages.nothingLeft();
    return 0;
  }
  if (hindrance !== undefined) messages.print(`It was not put right: ${hindrance}.`);
  messages.print(notAsItShouldBe(`${serviceInWords(record.target)}: this command can do no more`, left));
  messages.somethingLeft();
  return 3;
}

function nothingRolledBack({ config }: Session, record: ReleaseRecord): RefusedError {
  const { target } = record;
  const what = `${serviceInWords(target)}: nothing was rolled back; ${endInWords(record)}, and ${winnerInWords(record)}.`;
  const undo = nextCommand("undo", { ...record, asked: askedLast(record.asked, config.asked) });
  return new RefusedError(what, {
    next: isUndoable(record) ? `To go back to ${replacedInWords(record)}: ${undo}` : undefined,
  });
}

/** Gives why it does not, where nobody can say that the winner serves better. */
async function giveToWinner(session: Session, record: ReleaseRecord, held: HeldLock): Promise<string | undefined> {
  const { target, plan, state } = record;
  if (await isEmptied(session, record)) await reviveWinner(session, held);
  const winner = winnerAfter(plan, state);
  const without = await podlessAmong(session, record, roles);
  if (without.includes(winner)) return `${target[winner].deployment}, which should have all requests, has no pod`;
  if (state.phase === "succeeded" && without.length === 0)
    return `${target.stable.deployment} and ${target.canary.deployment} both have pods, and somebody may want it so`;
  const entry = { do: "finish", reason: { kind: "rollback-wanted", actor: session.run.actor } } as const;
  const taken = await takeOver(session, { held, evenUnsaved: true }, (newest) => ofThisJob(session, newest, entry));
  if (!taken) return "another release has begun";
  const { router } = session.connect(taken);
  await router.finish(winner);
  await router.fence(); // a write of the job that had it may still be on its way
  await router.finish(winner);
  return undefined;
}
