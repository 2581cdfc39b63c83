import { numberAt, textAt } from "../../kubernetes/field.ts";
import { managedBy } from "../../kubernetes/mark.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { Run } from "../../release/release-record.ts";

/** Who has a Lease, as it says itself. Times that cannot be read are NaN. */
export type Tenure = {
  readonly holder: Run;
  readonly since: Instant;
  readonly renewedAt: Instant;
  /** How long it lasts without being renewed. */
  readonly lasts: Millis;
};

/** A holder that has not renewed for this long is dead. */
const leaseSeconds = 30;

const runAnnotation = "istio-canary/run";

/** Undefined where nobody has it. */
export function tenureIn(lease: KubernetesObject | undefined): Tenure | undefined {
  const id = textAt(lease, "spec", "holderIdentity");
  if (!id) return undefined;
  const renewTime = textAt(lease, "spec", "renewTime") ?? "";
  const url = lease?.metadata.annotations?.[runAnnotation];
  return {
    holder: { id, url },
    since: Date.parse(textAt(lease, "spec", "acquireTime") ?? renewTime),
    renewedAt: Date.parse(renewTime),
    lasts: (numberAt(lease, "spec", "leaseDurationSeconds") ?? leaseSeconds) * 1_000,
  };
}

/** Two machines know the server's time to a second or so each. */
const slack: Millis = 5_000;

/** "unknown" where time does not tell: there is none, or the holder renewed by another one. */
export function lifeOf({ renewedAt, lasts }: Tenure, now: Instant | undefined): "alive" | "dead" | "unknown" {
  const age = (now ?? Number.NaN) - renewedAt;
  if (age > lasts) return "dead";
  return age >= -slack ? "alive" : "unknown";
}

/**
 * How often it has changed hands. Whoever finds a Lease free knows by it whether somebody had it meanwhile:
 * https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
 */
export const transitionsOf = (lease: KubernetesObject | undefined): number =>
  numberAt(lease, "spec", "leaseTransitions") ?? 0;

/** The Lease as it is to be, in place of the one before: a run has it, or nobody. */
export const leaseOf = (
  name: string,
  run: Run | undefined,
  now: Instant,
  before: KubernetesObject | undefined,
): object => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: {
    name,
    labels: { [managedBy.key]: managedBy.value },
    annotations: { [runAnnotation]: run?.url },
    resourceVersion: before?.metadata.resourceVersion,
  },
  spec: run ? heldBy(run, now, before) : { leaseTransitions: transitionsOf(before) },
});

function heldBy(run: Run, now: Instant, before: KubernetesObject | undefined): object {
  const renewTime = microTime(now);
  const isOurs = tenureIn(before)?.holder.id === run.id;
  return {
    holderIdentity: run.id,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: (isOurs ? textAt(before, "spec", "acquireTime") : undefined) ?? renewTime,
    renewTime,
    leaseTransitions: transitionsOf(before) + (isOurs ? 0 : 1),
  };
}

/** Leases want microseconds. */
const microTime = (at: Instant): string => new Date(at).toISOString().replace("Z", "000Z");
