import { isAutoscaled } from "../kubernetes/autoscaler.ts";
import type { Deployment } from "../kubernetes/deployment.ts";
import { field } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, readSelector, selects } from "../kubernetes/selector.ts";
import type { Finding } from "../ports/preflight.ts";
import { note, warn } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
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
  if (!plan.keepOld)
    findings.push(
      note(
        `A HorizontalPodAutoscaler scales ${stable.deployment}: when the swap has scaled it to 0, the autoscaler is off until somebody scales it up.`,
      ),
    );
  if (!ofCanary && source.from !== "manifests")
    findings.push(
      warn(
        `Deployment ${namespace}/${canary.deployment} will be the new stable and has no HorizontalPodAutoscaler; ${stable.deployment} has one.`,
        "Create one for it, or promote by update, which keeps stable's Deployment.",
      ),
    );
  return findings;
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
