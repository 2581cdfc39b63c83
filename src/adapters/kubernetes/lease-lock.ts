import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Held, Lock } from "../../ports/lock.ts";
import type { Run } from "../../release/release-record.ts";
import type { Clock } from "../../world/clock.ts";
import { type KubernetesClient, KubernetesError } from "./client.ts";

export type LeaseLockOptions = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
  readonly clock: Clock;
  /** Takes the lock from whoever has it: a person who rolls back by hand is not kept waiting by the job that went wrong. */
  readonly force: boolean;
};

/** A holder that has not renewed for this long is dead. */
const leaseSeconds = 30;
const renewEvery: Millis = 10_000;

export const leaseName = (service: string): string => `istio-canary-${service}`;

/** One release of a service at a time, by a Lease that its holder renews. */
export function leaseLock({ client, namespace, service, clock, force }: LeaseLockOptions): Lock {
  const name = leaseName(service);

  async function acquire(run: Run, tries = 3): ReturnType<Lock["acquire"]> {
    const found = await client.get(resources.leases, namespace, name);
    const held = found && holderOf(found, clock.now());
    if (held && held.heldBy.id !== run.id && !force) return held;
    try {
      const wanted = leaseOf(name, run, clock.now(), found);
      const taken = found
        ? await client.replace(resources.leases, namespace, name, wanted)
        : await client.create(resources.leases, namespace, wanted);
      return renewing(taken, run);
    } catch (error) {
      // 409: another job was a moment faster; who that is stands in the Lease now.
      if (error instanceof KubernetesError && error.status === 409 && tries > 1) return acquire(run, tries - 1);
      throw error;
    }
  }

  function renewing(taken: KubernetesObject, run: Run): Held {
    const lost = new AbortController();
    let lease = taken;

    const renew = async (): Promise<void> => {
      try {
        lease = await client.replace(resources.leases, namespace, name, leaseOf(name, run, clock.now(), lease));
      } catch (error) {
        if (error instanceof KubernetesError && (error.status === 409 || error.status === 404))
          lost.abort(await takenOver(error));
        // Anything else passes or does not: the journal's compare-and-set still keeps two jobs apart.
      }
    };
    const takenOver = async (cause: KubernetesError): Promise<DeniedError> => {
      const other = await client.get(resources.leases, namespace, name).catch(() => undefined);
      const by = other && holderOf(other, clock.now())?.heldBy;
      return new DeniedError(
        `another job${by ? ` (${by.url ?? by.id})` : ""} took over the release of ${namespace}/${service}; this one has stopped`,
        {
          cause,
        },
      );
    };
    const stopRenewing = clock.every(renewEvery, renew);

    return {
      lost: lost.signal,
      async release() {
        await stopRenewing();
        if (lost.signal.aborted) return;
        await client
          .replace(resources.leases, namespace, name, leaseOf(name, undefined, clock.now(), lease))
          .catch(() => undefined); // it would run out by itself
      },
    };
  }

  return { acquire: (run) => acquire(run) };
}

type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseDurationSeconds?: number;
};

function holderOf(
  lease: KubernetesObject,
  now: Instant,
): { readonly heldBy: Run; readonly since: Instant } | undefined {
  const { holderIdentity, acquireTime, renewTime, leaseDurationSeconds } = lease.spec as LeaseSpec;
  if (!holderIdentity || !renewTime) return undefined;
  if (now - Date.parse(renewTime) > (leaseDurationSeconds ?? leaseSeconds) * 1_000) return undefined;
  const url = lease.metadata.annotations?.[runAnnotation];
  return { heldBy: { id: holderIdentity, ...(url ? { url } : {}) }, since: Date.parse(acquireTime ?? renewTime) };
}

const runAnnotation = "istio-canary/run";

function leaseOf(name: string, run: Run | undefined, now: Instant, before: KubernetesObject | undefined): object {
  const spec = before?.spec as LeaseSpec | undefined;
  const acquireTime = run && spec?.holderIdentity === run.id ? spec.acquireTime : microTime(now);
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name,
      labels: { "app.kubernetes.io/managed-by": "istio-canary" },
      annotations: run?.url ? { [runAnnotation]: run.url } : {},
      ...(before?.metadata.resourceVersion ? { resourceVersion: before.metadata.resourceVersion } : {}),
    },
    spec: run
      ? { holderIdentity: run.id, leaseDurationSeconds: leaseSeconds, acquireTime, renewTime: microTime(now) }
      : {},
  };
}

/** Leases want microseconds: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
const microTime = (at: Instant): string => new Date(at).toISOString().replace("Z", "000Z");
