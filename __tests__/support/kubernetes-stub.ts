import { kinds } from "../../sandbox/api-server/kind.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";

/** Reads from a list of objects, for checks of what was read. Whoever writes, or tests reading itself, takes the sandbox. */
export function stubClient(objects: readonly KubernetesObject[]): KubernetesClient {
  const unused = (): never => {
    throw new Error("nothing is written here");
  };
  const isIn = (namespace: string | undefined, { metadata }: KubernetesObject): boolean =>
    metadata.namespace === namespace;
  return {
    get: async ({ kind }, namespace, name) =>
      objects.find((object) => object.kind === kind && isIn(namespace, object) && object.metadata.name === name),
    list: async ({ kind }, namespace) =>
      objects.filter((object) => object.kind === kind && (namespace === undefined || isIn(namespace, object))),
    create: async (_, __, review) => ({
      apiVersion: "",
      kind: "",
      metadata: { name: "" },
      ...Object(review),
      status: { allowed: true },
    }),
    versions: async () => (objects.some(({ kind }) => kind === "VirtualService") ? ["v1", "v1beta1"] : []),
    kinds: async (group, version) =>
      kinds
        .filter((kind) => kind.group === group && kind.versions.includes(version))
        .map(({ kind, plural, namespaced }) => ({ kind, plural, namespaced })),
    replace: unused,
    patch: async (_, __, ___, { body }, { dryRun = false } = {}) => (dryRun ? (body as KubernetesObject) : unused()),
    delete: unused,
    log: unused,
  };
}
