import type { HeldLock } from "../ports/lock.ts";
import type { Ports } from "../ports/ports.ts";
import { readyPoll } from "../release/pause.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import { winnerAfter } from "../release/transition.ts";
import { revivedInWords } from "../words/standing-text.ts";
import type { Session } from "./session.ts";
import { ofThisJob, takeOver } from "./take-over.ts";

/** A release is over, stable is to serve, and somebody has scaled it to 0. */
export async function isEmptied({ connect }: Session, record: ReleaseRecord): Promise<boolean> {
  const { plan, state } = record;
  if (!isOver(state) || winnerAfter(plan, state) !== "stable") return false;
  const { had, desired } = await connect(record).workload.health("stable");
  return had !== undefined && desired === 0;
}

/** Gives stable its pods, and waits until one can serve, as long as any version is awaited. */
export async function reviveWinner(session: Session, held: HeldLock): Promise<void> {
  const entry = { do: "revive", reason: { kind: "reviving-stable" } } as const;
  const taken = await takeOver(session, { held, evenUnsaved: true }, (newest) => ofThisJob(session, newest, entry));
  if (!taken) return;
  session.messages.print(revivedInWords(taken.target));
  const ports = session.connect(taken);
  await ports.workload.revive();
  await awaitPod(session, taken, ports);
}

async function awaitPod({ clock, stop }: Session, { plan }: ReleaseRecord, { workload }: Ports): Promise<void> {
  const end = clock.now() + plan.ready;
  while (clock.now() < end && !stop.aborted) {
    if ((await workload.health("stable")).available > 0) return;
    await clock.sleepUntil(clock.now() + readyPoll(plan), stop);
  }
}
