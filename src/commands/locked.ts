import { formatDuration } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import type { HeldLock } from "../ports/lock.ts";
import { nextCommand } from "../words/next-command.ts";
import { clusterInWords } from "../words/scene-setting.ts";
import { untouched } from "./preconditions.ts";
import type { Session } from "./session.ts";

/** Something, with a note in brackets where there is one. */
export const withNote = (what: string, note: string | undefined): string => (note ? `${what} (${note})` : what);

/** Does the work while nobody else can release this service, and says first in which cluster. */
export async function locked<T>(
  session: Session,
  options: { readonly force: boolean },
  work: (held: HeldLock) => Promise<T>,
): Promise<T> {
  const { namespace, service } = session.config;
  session.messages.print(clusterInWords(session.cluster));
  const held = await untouched(session.lock(options).acquire(session.run));
  if ("heldBy" in held) {
    const { heldBy, heldFor } = held;
    const duration = formatDuration(heldFor);
    const job = withNote(heldBy.url ?? heldBy.id, heldBy.actor);
    throw new RefusedError(`${namespace}/${service} is being released by another job since ${duration}: ${job}.`, {
      next: `Wait for it to end, or stop it and give all traffic back: ${nextCommand("rollback", { target: session.config, asked: session.config.asked })}\nA \`concurrency:\` group with cancel-in-progress: false queues the runs. A job that died gives the lock up after 30 s.`,
    });
  }
  try {
    return await work(held);
  } finally {
    await held.release();
  }
}
