import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { HeldByOther, HeldLock, Lock } from "../../ports/lock.ts";
import type { Run } from "../../release/release-record.ts";
import type { Clock } from "../../world/clock.ts";
import { heldLease, type LeaseSlot } from "./held-lease.ts";
import { type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";
import { leaseOf, lifeOf, type Tenure, tenureIn } from "./lease.ts";
import type { ServerTime } from "./server-time.ts";

export type LeaseLockOptions = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
  readonly clock: Clock;
  readonly time: Pick<ServerTime, "now">;
  /**
   * Takes the lock from whoever has it: a person who rolls back by hand is not kept waiting by the job that went wrong.
   */
  readonly force: boolean;
  /** Nobody is watched any longer when it aborts. */
  readonly stop?: AbortSignal | undefined;
};

const maxTries = 5;

/** The Lease is not as it was: written meanwhile, or gone. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof KubernetesError && (error.status === 409 || error.status === 404);

export const leaseName = (service: string): string => `istio-canary-${service}`;

/** One release of a service at a time, by a Lease that its holder renews. */
export function leaseLock(options: LeaseLockOptions): Lock {
  const { client, namespace, service, clock, time, force, stop } = options;
  const name = leaseName(service);
  const now = () => time.now() ?? clock.now();

  const slot: LeaseSlot = {
    read: (signal) => client.get(resources.leases, namespace, name, { signal }),
    write(run, before, signal) {
      const lease = leaseOf(name, run, now(), before);
      return before
        ? client.replace(resources.leases, namespace, name, lease, { signal })
        : client.create(resources.leases, namespace, lease, { signal });
    },
  };

  async function acquire(run: Run, tries = 1): Promise<HeldLock | HeldByOther> {
    const lease = await slot.read();
    const tenure = tenureIn(lease);
    const isOther = tenure?.holder.id !== run.id;
    if (lease && tenure && isOther && !force && (await lives(lease, tenure))) return other(tenure);
    try {
      return hold(await slot.write(run, lease), run);
    } catch (error) {
      if (isOvertaken(error) && tries < maxTries) return acquire(run, tries + 1);
      throw error;
    }
  }

  /** By the server's time; where that does not tell, by whether it is renewed while we watch. */
  async function lives(lease: KubernetesObject, tenure: Tenure): Promise<boolean> {
    const life = lifeOf(tenure, time.now());
    if (life !== "unknown") return life === "alive";
    await clock.sleepUntil(clock.now() + tenure.lasts, stop);
    const later = await slot.read();
    const isUntouched = later?.metadata.resourceVersion === lease.metadata.resourceVersion;
    return isUntouched ? (stop?.aborted ?? false) : tenureIn(later) !== undefined;
  }

  function other({ holder, since }: Tenure): HeldByOther {
    const heldFor = now() - since;
    return { heldBy: holder, heldFor: heldFor > 0 ? heldFor : 0 };
  }

  const hold = (lease: KubernetesObject, run: Run): HeldLock => heldLease(slot, lease, run, clock, takenOver);

  function takenOver(stored: KubernetesObject | undefined, cause: unknown): DeniedError {
    const taker = tenureIn(stored)?.holder;
    const by = taker ? ` (${taker.url ?? taker.id})` : "";
    const message = `another job${by} took over the release of ${namespace}/${service}; this one has stopped`;
    return new DeniedError(message, { cause });
  }

  async function holder(): Promise<HeldByOther | undefined> {
    const lease = await slot.read();
    const tenure = tenureIn(lease);
    return lease && tenure && (await lives(lease, tenure)) ? other(tenure) : undefined;
  }

  return { acquire: (run) => acquire(run), holder };
}
