import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Millis } from "../../lib/duration.ts";
import type { HeldLock } from "../../ports/lock.ts";
import type { Run } from "../../release/release-record.ts";
import type { Clock } from "../../world/clock.ts";
import { tenureIn, transitionsOf } from "./lease.ts";

/** One Lease on the API server. */
export type LeaseSlot = {
  readonly read: (signal?: AbortSignal) => Promise<KubernetesObject | undefined>;
  /** Compare-and-set, to a run or to nobody: is overtaken where the Lease is not as it was. */
  readonly write: (
    run: Run | undefined,
    before: KubernetesObject | undefined,
    signal?: AbortSignal,
  ) => Promise<KubernetesObject>;
};

/** Two renewals may fail before a Lease runs out. */
const renewEvery: Millis = 8_000;
/** One that took longer would write a time that is long past. */
const longestRenewal: Millis = 7_000;
/** A rollback does not wait for longer to know whether another one has come after it. */
const longestLook: Millis = 1_000;
/** Giving it back is a courtesy: it runs out by itself. */
const longestFarewell: Millis = 5_000;

/** Keeps a Lease that a run has taken. `takenOver`: the sentence for a job that has lost it, from what is stored now. */
export function heldLease(
  { read, write }: LeaseSlot,
  taken: KubernetesObject,
  run: Run,
  clock: Clock,
  takenOver: (stored: KubernetesObject | undefined, cause: unknown) => Error,
): HeldLock {
  const lost = new AbortController();
  const over = new AbortController();
  let lease = taken;

  async function renew(signal: AbortSignal): Promise<void> {
    try {
      lease = await write(run, lease, signal);
    } catch (error) {
      await makeSure(error, signal);
    }
  }

  /** Overtaken by a write of our own whose answer was lost, by whoever takes Leases away, or by another job. */
  async function makeSure(cause: unknown, signal: AbortSignal): Promise<void> {
    const stored = await read(signal);
    if (isUntaken(stored)) lease = await write(run, stored, signal);
    else lost.abort(takenOver(stored, cause));
  }

  /** Ours, or gone, or free and nobody had it since we did. */
  const isUntaken = (stored: KubernetesObject | undefined): boolean =>
    stored === undefined ||
    isHeldBy(run, stored) ||
    (tenureIn(stored) === undefined && transitionsOf(stored) <= transitionsOf(lease));

  const stopRenewing = clock.every(renewEvery, async () => {
    if (lost.signal.aborted) return;
    const signal = AbortSignal.any([over.signal, clock.deadline(clock.now() + longestRenewal)]);
    // What fails now the next renewal makes up for; the journal's compare-and-set keeps two jobs apart meanwhile.
    await renew(signal).catch(() => undefined);
  });

  async function giveBack(signal: AbortSignal): Promise<void> {
    try {
      await write(undefined, lease, signal);
    } catch {
      const stored = await read(signal);
      if (isHeldBy(run, stored)) await write(undefined, stored, signal);
    }
  }

  return {
    lost: lost.signal,
    async confirm() {
      const signal = AbortSignal.any([over.signal, clock.deadline(clock.now() + longestLook)]);
      const stored = await read(signal).catch(() => lease); // who cannot look goes on, as between two renewals
      if (!isUntaken(stored)) lost.abort(takenOver(stored, undefined));
      lost.signal.throwIfAborted();
    },
    async release() {
      over.abort();
      await stopRenewing();
      await giveBack(clock.deadline(clock.now() + longestFarewell)).catch(() => undefined);
    },
  };
}

const isHeldBy = (run: Run, lease: KubernetesObject | undefined): boolean => tenureIn(lease)?.holder.id === run.id;
