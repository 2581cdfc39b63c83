import type { ContainerChoice } from "../../kubernetes/deployment.ts";
import { numberAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { edit, patchWrite } from "../kubernetes/edit.ts";
import type { PatchOperation } from "../kubernetes/kubernetes-client.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/**
 * Changes single fields of a Deployment, if it is still the same. An empty plan writes nothing; false when there is no
 * such Deployment.
 */
export async function editDeployment(
  { client, clock, target: { namespace } }: WorkloadParts,
  name: string,
  plan: (deployment: KubernetesObject) => readonly PatchOperation[],
): Promise<boolean> {
  const deployment = await edit(clock, {
    read: () => client.get(resources.deployments, namespace, name),
    plan: (found) => found && patchWrite(client, resources.deployments, found, underUid(found, plan(found))),
  });
  return deployment !== undefined;
}

const underUid = (
  { metadata: { uid } }: KubernetesObject,
  patch: readonly PatchOperation[],
): readonly PatchOperation[] =>
  patch.length === 0 ? [] : [{ op: "test", path: "/metadata/uid", value: uid }, ...patch];

/** Lists have no keys in a JSON Patch: the position is tested to be that container still. */
export function imagePatch({ index, name, image }: ContainerChoice, wanted: string): readonly PatchOperation[] {
  if (image === wanted) return [];
  const path = `/spec/template/spec/containers/${index}`;
  return [
    { op: "test", path: `${path}/name`, value: name },
    { op: "test", path: `${path}/image`, value: image },
    { op: "replace", path: `${path}/image`, value: wanted },
  ];
}

export function replicasPatch(deployment: KubernetesObject, wanted: number): readonly PatchOperation[] {
  const current = numberAt(deployment, "spec", "replicas");
  if (current === wanted) return [];
  const write: PatchOperation = { op: "add", path: "/spec/replicas", value: wanted };
  return current === undefined ? [write] : [{ op: "test", path: "/spec/replicas", value: current }, write];
}
