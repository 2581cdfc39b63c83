import { type Deployment, isRolledOut } from "../../kubernetes/deployment.ts";
import type { Pod } from "../../kubernetes/pod.ts";
import type { Instant } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";
import type { Health } from "../../release/health.ts";
import { type Ailment, ailmentOfPod, ailmentOfRollout, type Crash } from "./ailment.ts";

/** How a version is, from its Deployment and the pods of its newest template, with what ails it most. */
export type Diagnosis = { readonly health: Health; readonly crash?: Crash | undefined };

/**
 * Restarts count in every container, sidecars too: requests fail while a proxy restarts. Those that a pod had before
 * the release (`restartsBefore`, by pod) do not.
 */
export function diagnose(
  deployment: Deployment,
  pods: readonly Pod[],
  restartsBefore: Readonly<Record<string, number>>,
  now: Instant,
): Diagnosis {
  const { rollout, namespace, name } = deployment;
  const ready = isRolledOut(rollout) && !deployment.terminating;
  const ailment = worse(
    worstOf(pods.flatMap((pod) => ailmentOfPod(pod, now) ?? [])),
    ready ? undefined : ailmentOfRollout(rollout, now),
  );
  const because = [progressOf(deployment)];
  if (!ready && ailment) because.push(ailment.because);

  const health: Health = {
    ready,
    desired: rollout.desired,
    available: rollout.available,
    restarts: pods.reduce((sum, pod) => sum + restartsOf(pod, restartsBefore), 0),
    because: because.join("; "),
  };
  if (deployment.terminating) return { health: terminatingHealth(deployment, health) };
  if (!ailment?.lasting) return { health };
  return { health: { ...health, fatal: `Deployment ${namespace}/${name}: ${ailment.because}` }, crash: ailment.crash };
}

/** Its pods may serve for as long as somebody holds it, and nobody knows how long that is. */
function terminatingHealth({ namespace, name }: Deployment, health: Health): Health {
  const because = `Deployment ${namespace}/${name} is being deleted, and its pods go with it`;
  return { ...health, because, fatal: because, terminating: true };
}

const worstOf = (ailments: readonly Ailment[]): Ailment | undefined =>
  ailments.find(({ lasting }) => lasting) ?? ailments[0];

/**
 * What the pods have that will last says enough; otherwise what the rollout has comes first, and theirs explains it.
 */
function worse(ofPods: Ailment | undefined, ofRollout: Ailment | undefined): Ailment | undefined {
  if (!ofPods || !ofRollout) return ofPods ?? ofRollout;
  if (ofPods.lasting) return ofPods;
  return { ...ofRollout, because: `${ofRollout.because}; ${ofPods.because}` };
}

const restartsOf = ({ name, statuses }: Pod, before: Readonly<Record<string, number>>): number =>
  Math.max(0, statuses.reduce((sum, { restarts }) => sum + restarts, 0) - (before[name] ?? 0));

/** How far the pods are, in half a sentence. */
export function progressOf({ paused, rollout }: Deployment): string {
  const { observed, desired, total, updated, available } = rollout;
  if (desired === 0) return "it is scaled to 0";
  if (!observed) return "Kubernetes has not begun to roll it out";
  if (updated < desired) {
    const progress = `${updated} of ${desired} pods run the new template`;
    return paused ? `${progress}, and it is paused: run kubectl rollout resume` : progress;
  }
  const old = total - updated;
  if (old > 0) return `${old} of the old template's pods ${are(old)} still there`;
  return `${available} of ${desired} pods ${are(desired)} available`;
}

const are = (count: number): string => plural(count, "is", "are");
