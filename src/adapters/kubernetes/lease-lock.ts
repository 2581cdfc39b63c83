import { managedBy } from "../../kubernetes/mark.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { HeldByOther, HeldLock, Lock } from "../../ports/lock.ts";
import type { Run } from "../../release/release-record.ts";
import type { Clock } from "../../world/clock.ts";
import { type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";

export type LeaseLockOptions = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
  readonly clock: Clock;
  /**
   * Takes the lock from whoever has it: a person who rolls back by hand is not kept waiting by the job that went wrong.
   */
  readonly force: boolean;
};

/** A holder that has not renewed for this long is dead. */
const leaseSeconds = 30;
/** Two renewals may fail before that. */
const renewEvery: Millis = 10_000;
const maxTries = 3;

export const leaseName = (service: string): string => `istio-canary-${service}`;

/** One release of a service at a time, by a Lease that its holder renews. */
export function leaseLock({ client, namespace, service, clock, force }: LeaseLockOptions): Lock {
  const name = leaseName(service);
  const read = (): Promise<KubernetesObject | undefined> => client.get(resources.leases, namespace, name);

  /** Compare-and-set: rejects with 409 when the Lease is not as it was. */
  function write(run: Run | undefined, before: KubernetesObject | undefined): Promise<KubernetesObject> {
    const lease = leaseOf(name, run, clock.now(), before);
    return before
      ? client.replace(resources.leases, namespace, name, lease)
      : client.create(resources.leases, namespace, lease);
  }

  async function acquire(run: Run, tries = 1): Promise<HeldLock | HeldByOther> {
    const lease = await read();
    const holder = lease && holderOf(lease, clock.now());
    if (holder && holder.heldBy.id !== run.id && !force) return holder;
    try {
      return renewing(await write(run, lease), run);
    } catch (error) {
      // Another job was a moment faster; who that is stands in the Lease now.
      if (error instanceof KubernetesError && error.status === 409 && tries < maxTries) return acquire(run, tries + 1);
      throw error;
    }
  }

  function renewing(taken: KubernetesObject, run: Run): HeldLock {
    const lost = new AbortController();
    let lease = taken;

    async function renew(): Promise<void> {
      try {
        lease = await write(run, lease);
      } catch (error) {
        if (error instanceof KubernetesError && (error.status === 409 || error.status === 404))
          lost.abort(await takenOver(error));
        // Anything else passes or does not: the journal's compare-and-set still keeps two jobs apart.
      }
    }
    const stopRenewing = clock.every(renewEvery, renew);

    return {
      lost: lost.signal,
      async release() {
        await stopRenewing();
        await write(undefined, lease).catch(() => undefined); // it is somebody else's by now, or runs out by itself
      },
    };
  }

  async function takenOver(cause: KubernetesError): Promise<DeniedError> {
    const lease = await read().catch(() => undefined);
    const other = lease && holderOf(lease, clock.now())?.heldBy;
    const by = other ? ` (${other.url ?? other.id})` : "";
    const message = `another job${by} took over the release of ${namespace}/${service}; this one has stopped`;
    return new DeniedError(message, { cause });
  }

  return { acquire: (run) => acquire(run) };
}

type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseDurationSeconds?: number;
};

/** Who has the lock; undefined when nobody does, or nobody that lives. */
function holderOf(lease: KubernetesObject, now: Instant): HeldByOther | undefined {
  const { holderIdentity, acquireTime, renewTime, leaseDurationSeconds } = lease.spec as LeaseSpec;
  if (!holderIdentity || !renewTime) return undefined;
  if (now - Date.parse(renewTime) > (leaseDurationSeconds ?? leaseSeconds) * 1_000) return undefined;
  const url = lease.metadata.annotations?.[runAnnotation];
  return { heldBy: { id: holderIdentity, url }, since: Date.parse(acquireTime ?? renewTime) };
}

const runAnnotation = "istio-canary/run";

/** HeldLock by a run; without one it is free. */
function leaseOf(name: string, run: Run | undefined, now: Instant, before: KubernetesObject | undefined): object {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name,
      labels: { [managedBy.key]: managedBy.value },
      annotations: { [runAnnotation]: run?.url },
      resourceVersion: before?.metadata.resourceVersion,
    },
    spec: run ? specOf(run, now, before?.spec as LeaseSpec | undefined) : {},
  };
}

function specOf(run: Run, now: Instant, before: LeaseSpec | undefined): LeaseSpec {
  const renewTime = microTime(now);
  const acquireTime = before?.holderIdentity === run.id ? before.acquireTime : undefined;
  return {
    holderIdentity: run.id,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: acquireTime ?? renewTime,
    renewTime,
  };
}

/** Leases want microseconds: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
const microTime = (at: Instant): string => new Date(at).toISOString().replace("Z", "000Z");
