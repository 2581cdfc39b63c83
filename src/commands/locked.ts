import { formatDuration } from "../lib/duration.ts";
import { RefusedError, tell, UnreachableError } from "../lib/errors.ts";
import type { HeldLock } from "../ports/lock.ts";
import { nextCommand } from "../words/next-command.ts";
import { clusterInWords } from "../words/scene-setting.ts";
import { unlessStopped, untouched } from "./preconditions.ts";
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
  const acquiring = session.lock(options).acquire(session.run);
  const held = await (options.force ? evenWithout(session, acquiring) : unlessCancelled(session, acquiring));
  if ("heldBy" in held) {
    const { heldBy, heldFor } = held;
    const duration = formatDuration(heldFor);
    const by = heldBy.actor === undefined ? "" : ` by ${heldBy.actor}`;
    const job = `${heldBy.url ?? heldBy.id}${by}`;
    throw new RefusedError(`${namespace}/${service}: another job (${job}) has been releasing it for ${duration}.`, {
      next: `Wait for it to end, or stop it and give all traffic back: ${nextCommand("rollback", { target: session.config, asked: session.config.asked })}\nA \`concurrency:\` group with cancel-in-progress: false queues the runs. A job that died gives the lock up after 30s.`,
    });
  }
  try {
    return await work(held);
  } finally {
    await held.release();
  }
}

/** Whoever cancelled a job that waits for its lock asks whether anything was changed, and not who did not answer. */
async function unlessCancelled<T>(session: Session, acquiring: Promise<T>): Promise<T> {
  try {
    return await untouched(acquiring);
  } catch (error) {
    unlessStopped(session);
    throw error;
  }
}

/**
 * Whoever pulls the brake is not kept from it by a Lease that may not be written. The journal, which is taken from the
 * job that runs, stops that job as well.
 */
async function evenWithout<T>({ messages }: Session, acquiring: Promise<T>): Promise<T | HeldLock> {
  try {
    return await acquiring;
  } catch (error) {
    if (error instanceof UnreachableError) throw error;
    messages.warn(`The lock could not be taken, and this goes on without it: ${tell(error)}`);
    return { lost: new AbortController().signal, confirm: async () => {}, release: async () => {} };
  }
}
