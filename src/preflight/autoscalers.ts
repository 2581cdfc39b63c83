import { isAutoscaled } from "../kubernetes/autoscaler.ts";
import { field } from "../kubernetes/field.ts";
import { carries, readSelector, selects } from "../kubernetes/selector.ts";
import type { Finding } from "../ports/preflight.ts";
import { note, warn } from "./finding.ts";
import type { Scene } from "./scene.ts";

/** What HorizontalPodAutoscalers mean for a release. */
export function autoscalersAreKnown({ target, plan, autoscalers }: Scene): readonly Finding[] {
  const { namespace, stable, canary, source } = target;
  const ofStable = isAutoscaled(autoscalers, stable.deployment);
  const ofCanary = isAutoscaled(autoscalers, canary.deployment);
  const swap = plan.promotion === "swap";
  return [
    ...(ofCanary ? [note(`A HorizontalPodAutoscaler scales ${canary.deployment}: its replicas are left alone.`)] : []),
    ...(ofStable && swap && !plan.keepOld
      ? [
          note(
            `A HorizontalPodAutoscaler scales ${stable.deployment}: when the swap has scaled it to 0, the autoscaler is off until somebody scales it up.`,
          ),
        ]
      : []),
    ...(ofStable && !ofCanary && swap && source.from !== "manifests"
      ? [
          warn(
            `Deployment ${namespace}/${canary.deployment} will be the new stable and has no HorizontalPodAutoscaler; ${stable.deployment} has one.`,
            "Create one for it, or promote by update, which keeps stable's Deployment.",
          ),
        ]
      : []),
  ];
}

/** A budget that counts both versions lets the canary's pods stand in for stable's. */
export function disruptionBudgetsAreKnown({
  target,
  plan,
  stable,
  planned,
  disruptionBudgets,
}: Scene): readonly Finding[] {
  if (!stable || planned === undefined || "problem" in planned) return [];
  const canary = planned.deployment;
  const over = disruptionBudgets.filter((budget) =>
    selects(readSelector(field(budget, "spec", "selector")), stable.podLabels),
  );
  const both = over.filter((budget) => selects(readSelector(field(budget, "spec", "selector")), canary.podLabels));
  const only = over.filter((budget) => !both.includes(budget));
  const nameOf = (budgets: readonly { readonly metadata: { readonly name: string } }[]): string =>
    budgets.map(({ metadata }) => metadata.name).join(", ");
  return [
    ...(both.length > 0 ? [note(`PodDisruptionBudget ${nameOf(both)} counts the pods of both versions.`)] : []),
    ...(only.length > 0 && plan.promotion === "swap"
      ? [
          note(
            `PodDisruptionBudget ${nameOf(only)} protects ${target.stable.deployment} and not ${target.canary.deployment}, which will be the new stable.`,
            "Give it one of its own, or a selector for both.",
          ),
        ]
      : []),
  ];
}

/** `canonical_revision` is the first of these labels: https://github.com/istio/istio/blob/release-1.28/pkg/kube/labels/labels.go */
const revisionLabels = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

/** Kiali and Istio's dashboards tell versions apart by this; our own gates by the Deployment's name. */
export function revisionsDiffer({ stable, planned }: Scene): readonly Finding[] {
  if (!stable || planned === undefined || "problem" in planned) return [];
  const revisionOf = (labels: Readonly<Record<string, string>>): string =>
    revisionLabels.map((label) => labels[label]).find(Boolean) ?? "latest";
  const revision = revisionOf(stable.podLabels);
  if (revision !== revisionOf(planned.deployment.podLabels)) return [];
  const label = revisionLabels.find((key) => carries(stable.podLabels, { [key]: revision }));
  return [
    note(
      `Both versions have the canonical revision ${revision}${label ? ` (label ${label})` : ""}: Kiali shows them as one. Gates are not affected.`,
    ),
  ];
}
