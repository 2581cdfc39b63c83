import { type Deployment, isRolledOut } from "../../kubernetes/deployment.ts";
import type { Pod } from "../../kubernetes/pod.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Health } from "../../release/health.ts";
import { type Trouble, troubleOf, troubleOfRollout } from "./trouble.ts";

/** How a version is, from its Deployment and the pods of its newest template, with what ails it most. */
export type Diagnosis = {
  readonly health: Health;
  readonly crashed?: { readonly pod: string; readonly container: string };
};

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
  const ready = isRolledOut(rollout);
  const ofPods = worst(pods.flatMap((pod) => troubleOf(pod, now) ?? []));
  const ofRollout = ready ? undefined : troubleOfRollout(rollout, now);
  const trouble = ofPods?.lasting ? ofPods : (ofRollout ?? ofPods);
  const told =
    trouble === ofRollout && ofRollout && ofPods ? `${ofRollout.because}; ${ofPods.because}` : trouble?.because;

  const health = {
    ready,
    desired: rollout.desired,
    available: rollout.available,
    restarts: pods.reduce((sum, pod) => sum + restartsOf(pod, restartsBefore), 0),
    because: [progressOf(deployment), ...(ready || !told ? [] : [told])].join("; "),
  };
  if (!trouble?.lasting) return { health };
  return {
    health: { ...health, fatal: `Deployment ${namespace}/${name}: ${told}` },
    ...(trouble.crashed ? { crashed: trouble.crashed } : {}),
  };
}

const worst = (troubles: readonly Trouble[]): Trouble | undefined =>
  troubles.find(({ lasting }) => lasting) ?? troubles[0];

const restartsOf = ({ name, statuses }: Pod, before: Readonly<Record<string, number>>): number =>
  Math.max(0, statuses.reduce((sum, { restarts }) => sum + restarts, 0) - (before[name] ?? 0));

/** How far the pods are, in half a sentence. */
export function progressOf({ paused, rollout }: Deployment): string {
  const { observed, desired, total, updated, available } = rollout;
  if (desired === 0) return "it is scaled to 0";
  if (!observed) return "Kubernetes has not begun to roll it out";
  if (updated < desired)
    return `${updated} of ${desired} pods run the new template${paused ? ", and it is paused: run kubectl rollout resume" : ""}`;
  if (total > updated)
    return `${total - updated} of the old template's pods ${total - updated === 1 ? "is" : "are"} still there`;
  return `${available} of ${desired} pods ${desired === 1 ? "is" : "are"} available`;
}
