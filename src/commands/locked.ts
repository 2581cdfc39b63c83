import { formatDuration } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import { untouched } from "./preconditions.ts";
import type { Session } from "./session.ts";

/** Does the work while nobody else can release this service. */
export async function locked<T>(
  session: Session,
  options: { readonly force: boolean },
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const { namespace, service } = session.config;
  const held = await untouched(session.lock(options).acquire(session.run));
  if ("heldBy" in held) {
    const { heldBy, since } = held;
    throw new RefusedError(
      `${namespace}/${service} is being released by another job since ${formatDuration(session.clock.now() - since)}: ${heldBy.url ?? heldBy.id}${heldBy.actor ? ` (${heldBy.actor})` : ""}.`,
      {
        next: "Wait for it to end; a `concurrency:` group with cancel-in-progress: false queues the runs. A job that died gives the lock up after 30 s.",
      },
    );
  }
  try {
    return await work(held.lost);
  } finally {
    await held.release();
  }
}
