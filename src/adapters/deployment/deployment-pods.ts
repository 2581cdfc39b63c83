import type { Deployment } from "../../kubernetes/deployment.ts";
import { listAt, objectAt, textAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { isPodOf, type Pod, readPod } from "../../kubernetes/pod.ts";
import { asQuery } from "../../kubernetes/selector.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";

/** The pods of a Deployment, of every template, without those that are on their way out. */
export async function podsOf(
  client: KubernetesClient,
  { namespace, name, selector }: Deployment,
): Promise<readonly Pod[]> {
  const pods = await client.list(resources.pods, namespace, { labelSelector: asQuery(selector) });
  return pods.map(readPod).filter((pod) => isPodOf(name, pod) && !pod.terminating);
}

const revision = "deployment.kubernetes.io/revision";

/** The ReplicaSet of the Deployment's newest template: both carry the same revision. */
export async function newestReplicaSet(
  client: KubernetesClient,
  deployment: Deployment,
): Promise<KubernetesObject | undefined> {
  const sets = await replicaSetsOf(client, deployment);
  return sets.find(({ metadata }) => metadata.annotations?.[revision] === deployment.revision);
}

async function replicaSetsOf(
  client: KubernetesClient,
  { namespace, uid, selector }: Deployment,
): Promise<readonly KubernetesObject[]> {
  const sets = await client.list(resources.replicaSets, namespace, { labelSelector: asQuery(selector) });
  return sets.filter(({ metadata }) =>
    listAt(metadata, "ownerReferences").some((owner) => textAt(owner, "uid") === uid),
  );
}

/** The Deployment's pod template that a ReplicaSet was made from: the controller adds a label with its hash. */
export function templateOfReplicaSet(replicaSet: KubernetesObject): unknown {
  const template = objectAt(replicaSet, "spec", "template");
  const metadata = objectAt(template, "metadata");
  const { "pod-template-hash": _, ...labels } = objectAt(metadata, "labels");
  return { ...template, metadata: { ...metadata, labels } };
}

/**
 * The pods of the newest template. While figures are of an older specification, or no new pod exists, there are none:
 * what ails the old ones is no news about the new version. ReplicaSets are read only while pods of several templates
 * live.
 */
export async function newestPods(client: KubernetesClient, deployment: Deployment): Promise<readonly Pod[]> {
  const { observed, updated } = deployment.rollout;
  if (!observed || updated === 0) return [];
  const pods = await podsOf(client, deployment);
  if (new Set(pods.map(({ templateHash }) => templateHash)).size <= 1) return pods;
  const newest = await newestReplicaSet(client, deployment);
  return pods.filter(({ replicaSet }) => replicaSet === newest?.metadata.name);
}
