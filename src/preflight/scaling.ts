import { isAutoscaled, scales } from "../kubernetes/autoscaler.ts";
import type { Deployment } from "../kubernetes/deployment.ts";
import { field, listAt, numberAt, textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries, readSelector, selects } from "../kubernetes/selector.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
import type { Target } from "../release/target.ts";
import { pods } from "./finding.ts";
import { plannedDeployment, plannedObject } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

/** What HorizontalPodAutoscalers mean for a release. */
export function autoscalersAreKnown({ target, plan, autoscalers }: Scene): readonly Finding[] {
  const { namespace, stable, canary, source } = target;
  const ofStable = isAutoscaled(autoscalers, stable.deployment);
  const ofCanary = isAutoscaled(autoscalers, canary.deployment);
  const findings: Finding[] = [];
  if (ofCanary)
    findings.push(note(`A HorizontalPodAutoscaler scales ${canary.deployment}: its replicas are left alone.`));
  if (!ofStable || plan.promotion !== "swap") return findings;
  if (!plan.keepOld) findings.push(restOf(target, autoscalers));
  if (!ofCanary && source.from !== "manifests")
    findings.push(
      warn(
        `Deployment ${namespace}/${canary.deployment} will be the new stable and has no HorizontalPodAutoscaler; ${stable.deployment} has one.`,
        "Create one for it, or promote by update, which keeps stable's Deployment.",
      ),
    );
  return findings;
}

/** One that the manifests bring scales stable from when it is applied, before the first stage. */
export function autoscalerOfStableStays({ target, stable, autoscalers }: Scene, now: Scene): readonly Finding[] {
  const { deployment } = target.stable;
  return autoscalers
    .filter((one) => scales(one, deployment) && !now.autoscalers.includes(one))
    .map((one) => {
      const most = numberAt(one, "spec", "maxReplicas");
      const what = `The manifest of ${placeWord(one)} scales ${deployment}, which serves, from when it is applied`;
      const next = "Take it out of the manifests, or let it scale the canary's Deployment.";
      const desired = stable?.rollout.desired ?? 0;
      if (most === undefined || most >= desired) return warn(`${what}, before the first stage.`, next);
      return refuse(`${what}: it would leave it ${pods(most)} of ${desired}.`, next);
    });
}

/** What becomes of a stable that a swap has scaled to 0. */
function restOf({ namespace, stable }: Target, autoscalers: readonly KubernetesObject[]): Finding {
  const autoscaler = autoscalers.find((one) => scales(one, stable.deployment));
  const scaledObject = autoscaler && scaledObjectOf(autoscaler);
  if (scaledObject !== undefined)
    return warn(
      `KEDA (ScaledObject ${namespace}/${scaledObject}) scales ${stable.deployment}: when the swap has scaled it to 0, KEDA raises it again by itself.`,
      `After the release run kubectl annotate scaledobject ${scaledObject} -n ${namespace} autoscaling.keda.sh/paused-replicas=0, or promote by update, which keeps stable's Deployment.`,
    );
  if (numberAt(autoscaler, "spec", "minReplicas") === 0)
    return warn(
      `HorizontalPodAutoscaler ${autoscaler?.metadata.name} has minReplicas 0, so it may raise ${stable.deployment} again when the swap has scaled it to 0.`,
      "Set minReplicas to 1, or promote by update, which keeps stable's Deployment.",
    );
  return note(
    `A HorizontalPodAutoscaler scales ${stable.deployment}: when the swap has scaled it to 0, the autoscaler is off until somebody scales it up.`,
  );
}

/** KEDA makes a HorizontalPodAutoscaler for what is above 0, and scales to 0 and from it itself. */
const scaledObjectOf = ({ metadata }: KubernetesObject): string | undefined =>
  metadata.labels?.["scaledobject.keda.sh/name"] ??
  listAt(metadata, "ownerReferences")
    .filter((owner) => textAt(owner, "kind") === "ScaledObject")
    .map((owner) => textAt(owner, "name"))[0];

/**
 * A rollback finds the old pod template in its ReplicaSet, and with a limit of 0 Kubernetes keeps none:
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
 */
export function templateCanBePutBack({ target, deployments, planned }: Scene): readonly Finding[] {
  const canary = deployments.find(({ metadata }) => metadata.name === target.canary.deployment);
  if (target.source.from === "existing" || !canary) return [];
  const keepsNone = (one: KubernetesObject | undefined): boolean => numberAt(one, "spec", "revisionHistoryLimit") === 0;
  if (!keepsNone(canary) && !keepsNone(plannedObject(planned))) return [];
  const who = keepsNone(canary) ? "has" : "its manifest gives it";
  return [
    refuse(
      `Deployment ${target.namespace}/${target.canary.deployment} is there already, and ${who} revisionHistoryLimit 0: Kubernetes would throw its old pod template away, and a rollback could not put it back.`,
      "Set revisionHistoryLimit to 1 or more.",
    ),
  ];
}

/** The journal knows what stable had, so `undo` is not the one that misses it. */
export function stableKeepsTemplates({ target, plan, deployments }: Scene): readonly Finding[] {
  const stable = deployments.find(({ metadata }) => metadata.name === target.stable.deployment);
  if (plan.promotion !== "update" || numberAt(stable, "spec", "revisionHistoryLimit") !== 0) return [];
  return [
    note(
      `Deployment ${target.namespace}/${target.stable.deployment} has revisionHistoryLimit 0: after the promotion kubectl rollout undo has no pod template to go back to. istio-canary undo has, from the journal.`,
    ),
  ];
}

/** A budget that counts both versions lets the canary's pods stand in for stable's. */
export function disruptionBudgetsAreKnown(scene: Scene): readonly Finding[] {
  const { target, plan, stable, disruptionBudgets } = scene;
  const canary = plannedDeployment(scene.planned);
  if (!stable || !canary) return [];
  const counts = (budget: KubernetesObject, { podLabels }: Deployment): boolean =>
    selects(readSelector(field(budget, "spec", "selector")), podLabels);
  const ofStable = disruptionBudgets.filter((budget) => counts(budget, stable));
  const ofBoth = ofStable.filter((budget) => counts(budget, canary));
  const ofStableAlone = ofStable.filter((budget) => !ofBoth.includes(budget));
  const findings: Finding[] = [];
  if (ofBoth.length > 0)
    findings.push(note(`PodDisruptionBudget ${namesOf(ofBoth)} counts the pods of both versions.`));
  if (ofStableAlone.length > 0 && plan.promotion === "swap")
    findings.push(
      note(
        `PodDisruptionBudget ${namesOf(ofStableAlone)} protects ${target.stable.deployment} and not ${target.canary.deployment}, which will be the new stable.`,
        "Give it one of its own, or a selector for both.",
      ),
    );
  return findings;
}

const namesOf = (objects: readonly KubernetesObject[]): string =>
  objects.map(({ metadata }) => metadata.name).join(", ");

/**
 * `canonical_revision` is the first of these labels:
 * https://github.com/istio/istio/blob/release-1.28/pkg/kube/labels/labels.go
 */
const revisionLabels = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

/** Kiali and Istio's dashboards tell versions apart by this; our own gates by the Deployment's name. */
export function revisionsDiffer({ stable, planned }: Scene): readonly Finding[] {
  const canary = plannedDeployment(planned);
  if (!stable || !canary) return [];
  const revisionOf = (labels: Readonly<Record<string, string>>): string =>
    revisionLabels.map((label) => labels[label]).find(Boolean) ?? "latest";
  const revision = revisionOf(stable.podLabels);
  if (revision !== revisionOf(canary.podLabels)) return [];
  const label = revisionLabels.find((key) => carries(stable.podLabels, { [key]: revision }));
  return [
    note(
      `Both versions have the canonical revision ${revision}${label ? ` (label ${label})` : ""}: Kiali shows them as one. Gates are not affected.`,
    ),
  ];
}
