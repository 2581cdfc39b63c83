import type { KubernetesClient } from "../kubernetes/client.ts";
import { type Deployment, readDeployment } from "../kubernetes/deployment.ts";
import { textAt } from "../kubernetes/field.ts";
import { resources } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { Target } from "../release/target.ts";
import { copyLabels } from "./copy-labels.ts";

/**
 * The labels that only this version's pods have: what a subset that has to be added selects by. Before the canary's Deployment is there,
 * those that it will get. Undefined when its pods differ from the other version's in nothing.
 */
export function versionLabels(client: KubernetesClient, target: Target): (of: "stable" | "canary") => Promise<Labels | undefined> {
  return async (of) => {
    const [stable, canary] = await Promise.all([readPodLabels(client, target, target.stable.deployment), readCanary(client, target)]);
    if (!stable || !canary) return canary && of === "canary" && !stable ? canary.podLabels : undefined;
    return of === "canary" ? difference(canary, stable) : difference(stable, canary);
  };
}

type Pods = Pick<Deployment, "podLabels" | "selector">;

/** Of the labels that differ those of the Deployment's selector, which can never change; else all of them. */
function difference(own: Pods, other: Pods): Labels | undefined {
  const different = Object.entries(own.podLabels).filter(([key, value]) => other.podLabels[key] !== value);
  const fixed = different.filter(([key]) => key in own.selector.matchLabels);
  const chosen = fixed.length > 0 ? fixed : different;
  return chosen.length === 0 ? undefined : Object.fromEntries(chosen);
}

async function readPodLabels(client: KubernetesClient, { namespace }: Target, name: string): Promise<Pods | undefined> {
  const raw = await client.get(resources.deployments, namespace, name);
  return raw && readDeployment(raw);
}

async function readCanary(client: KubernetesClient, target: Target): Promise<Pods | undefined> {
  const { namespace, source, canary } = target;
  const live = await readPodLabels(client, target, canary.deployment);
  if (live) return live;
  if (source.from === "manifests") {
    const manifest = source.objects.find((object) => object.kind === "Deployment" && textAt(object, "metadata", "name") === canary.deployment);
    return manifest && readDeployment({ ...manifest, apiVersion: "apps/v1", kind: "Deployment", metadata: { name: canary.deployment, namespace } });
  }
  const answer = source.from === "clone" ? await copyLabels(client, target, source.labels) : undefined;
  return answer && "labels" in answer ? { podLabels: answer.labels, selector: { matchLabels: answer.labels, matchExpressions: [] } } : undefined;
}
