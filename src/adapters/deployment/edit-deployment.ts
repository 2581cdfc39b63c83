import { isDeepStrictEqual } from "node:util";
import { type ContainerChoice, chosenPlaces } from "../../kubernetes/deployment.ts";
import { field, numberAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Fence } from "../../ports/fence.ts";
import { edit, patchWrite } from "../kubernetes/edit.ts";
import type { PatchOperation } from "../kubernetes/kubernetes-client.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/**
 * Changes single fields of a Deployment, if it is still the same. An empty plan writes nothing; false when there is no
 * such Deployment.
 */
export async function editDeployment(
  { client, clock, fence, target: { namespace } }: WorkloadParts,
  name: string,
  plan: (deployment: KubernetesObject) => readonly PatchOperation[],
  way: keyof Fence = "forward",
): Promise<boolean> {
  const deployment = await edit(clock, {
    read: () => client.get(resources.deployments, namespace, name),
    fence: fence[way],
    plan: (found) => found && patchWrite(client, resources.deployments, found, plan(found)),
  });
  return deployment !== undefined;
}

/** `wanted` by the name of a container. */
export const imagePatch = (choice: ContainerChoice, wanted: (container: string) => string): readonly PatchOperation[] =>
  chosenPlaces(choice)
    .filter(({ name, image }) => image !== wanted(name))
    .map(({ list, index, name }) => ({
      op: "replace",
      path: `/spec/template/spec/${list}/${index}/image`,
      value: wanted(name),
    }));

export const replicasPatch = (deployment: KubernetesObject, wanted: number): readonly PatchOperation[] =>
  numberAt(deployment, "spec", "replicas") === wanted ? [] : [{ op: "add", path: "/spec/replicas", value: wanted }];

export function templatePatch(deployment: KubernetesObject, template: unknown): readonly PatchOperation[] {
  if (isDeepStrictEqual(field(deployment, "spec", "template"), template)) return [];
  return [{ op: "replace", path: "/spec/template", value: template }];
}
