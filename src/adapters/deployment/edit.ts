import type { Chosen } from "../../kubernetes/deployment.ts";
import { numberAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { type KubernetesClient, KubernetesError, type PatchOperation } from "../kubernetes/client.ts";

const rounds = 5;

/**
 * Changes single fields of a Deployment: read, plan, write under `test`s of what was read. When somebody else was faster,
 * or the API server refuses, it is read and planned again, a few times. An empty plan writes nothing; false when there is no such Deployment.
 */
export async function editDeployment(
  client: KubernetesClient,
  namespace: string,
  name: string,
  plan: (raw: KubernetesObject) => readonly PatchOperation[],
): Promise<boolean> {
  for (let round = 1; ; round++) {
    const raw = await client.get(resources.deployments, namespace, name);
    if (!raw) return false;
    const body = plan(raw);
    if (body.length === 0) return true;
    try {
      await client.patch(resources.deployments, namespace, name, {
        type: "json",
        body: [{ op: "test", path: "/metadata/uid", value: raw.metadata.uid }, ...body],
      });
      return true;
    } catch (error) {
      const again = error instanceof KubernetesError && (error.status === 409 || error.status === 422);
      if (!again || round === rounds) throw error;
    }
  }
}

/** Lists have no keys in a JSON Patch: the position is tested to be that container still. */
export function imagePatch({ index, name, image }: Chosen, wanted: string): readonly PatchOperation[] {
  if (image === wanted) return [];
  const path = `/spec/template/spec/containers/${index}`;
  return [
    { op: "test", path: `${path}/name`, value: name },
    { op: "test", path: `${path}/image`, value: image },
    { op: "replace", path: `${path}/image`, value: wanted },
  ];
}

export function replicasPatch(raw: KubernetesObject, wanted: number): readonly PatchOperation[] {
  const current = numberAt(raw, "spec", "replicas");
  if (current === wanted) return [];
  return [
    ...(current === undefined ? [] : [{ op: "test", path: "/spec/replicas", value: current } as const]),
    { op: "add", path: "/spec/replicas", value: wanted },
  ];
}
