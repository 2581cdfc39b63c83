import { gatewayGroup, gatewayKinds } from "../../istio/gateway-route.ts";
import { parentRefsOf } from "../../istio/route-parent.ts";
import { replicasOf } from "../../kubernetes/deployment.ts";
import type { KubernetesObject, Resource } from "../../kubernetes/object.ts";
import { resourceOf } from "../../kubernetes/resource-of.ts";
import { type KubernetesClient, KubernetesError, type Patch, type ServedKind } from "./kubernetes-client.ts";

/**
 * A cluster that consists of the objects of some files, as it would be once they are applied and all of it runs. Nothing
 * can be written to it, and every dry run is fine: no webhook is there to say otherwise. What stands in no file may be
 * in a cluster all the same: it may not be read here.
 */
export function fileClient(written: readonly KubernetesObject[]): KubernetesClient {
  const objects = written.map(asRunning);
  const groups = groupsOf(objects);

  const all = ({ group, kind }: Resource): readonly KubernetesObject[] =>
    objects.filter((object) => object.kind === kind && groupOf(object) === group);
  const list: KubernetesClient["list"] = async (resource, namespace) => {
    const found = all(resource).filter(({ metadata }) => metadata.namespace === namespace);
    if (namespace === undefined || (found.length === 0 && !isOfRelease(resource))) throw notHere(resource);
    return found;
  };
  const get: KubernetesClient["get"] = async (resource, namespace, name) => {
    // What belongs to no namespace was read as if it were of the release's.
    const isThere = ({ metadata }: KubernetesObject): boolean => [undefined, metadata.namespace].includes(namespace);
    const found = all(resource).find((object) => isThere(object) && object.metadata.name === name);
    if (!found && !isOfRelease(resource)) throw notHere(resource);
    return found;
  };
  return {
    get,
    list,
    homes: (resource) => [...new Set(all(resource).flatMap(({ metadata }) => metadata.namespace ?? []))],
    create: async (resource, _, object) => asWritten(resource, object),
    replace: async (resource, _, __, object) => asWritten(resource, object),
    patch: async (resource, namespace, name, patch) => patched(resource, await get(resource, namespace, name), patch),
    async delete() {},
    log: async () => "",
    versions: async (group) => [...(groups.get(group)?.keys() ?? [])],
    kinds: async (group, version) => groups.get(group)?.get(version),
  };
}

/** What a release is about: these a folder either has, or it is told that they are missing in it. */
const ofRelease = new Set([
  "Service",
  "Deployment",
  "Pod",
  "ReplicaSet",
  "HorizontalPodAutoscaler",
  "VirtualService",
  "DestinationRule",
  ...gatewayKinds.map(({ kind }) => kind),
]);

const isOfRelease = ({ kind }: Resource): boolean => ofRelease.has(kind);

const notHere = ({ kind }: Resource): KubernetesError =>
  new KubernetesError(`No file has a ${kind} there`, 403, "Forbidden");

const groupOf = ({ apiVersion }: KubernetesObject): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

/** An object that is written is taken as it is; a question about permissions is answered with yes. */
const asWritten = ({ kind }: Resource, object: unknown): KubernetesObject => ({
  metadata: { name: "" },
  ...Object(object),
  kind,
  status: { allowed: true },
});

const patched = (resource: Resource, live: KubernetesObject | undefined, { type, body }: Patch): KubernetesObject =>
  type === "apply" || !live ? asWritten(resource, { ...live, ...Object(body) }) : live;

/** What only a cluster can say, and will, once all is well. */
const asRunning = (object: KubernetesObject): KubernetesObject => running[object.kind]?.(object) ?? object;

const running: Readonly<Record<string, (object: KubernetesObject) => KubernetesObject>> = {
  Deployment(object) {
    const replicas = replicasOf(object);
    const { generation = 1 } = object.metadata;
    const status = { observedGeneration: generation, replicas, updatedReplicas: replicas, availableReplicas: replicas };
    return { ...object, metadata: { ...object.metadata, generation }, status };
  },
  ...Object.fromEntries(gatewayKinds.map(({ kind }) => [kind, accepted] as const)),
};

function accepted(object: KubernetesObject): KubernetesObject {
  const { generation = 1 } = object.metadata;
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({
    type,
    status: "True",
    observedGeneration: generation,
  }));
  const parents = parentRefsOf(object).map((parentRef) => ({ parentRef, conditions }));
  return { ...object, metadata: { ...object.metadata, generation }, status: { parents } };
}

type Groups = ReadonlyMap<string, ReadonlyMap<string, readonly ServedKind[]>>;

/** Every version that a file names is served, and those that a release asks for. */
function groupsOf(objects: readonly KubernetesObject[]): Groups {
  const usual = [
    ["networking.istio.io/v1", "VirtualService"],
    ...gatewayKinds.map(({ kind }) => [`${gatewayGroup}/v1`, kind] as const),
    ["apps/v1", "Deployment"],
    ["v1", "Service"],
    ["v1", "ConfigMap"],
  ] as const;
  const groups = new Map<string, Map<string, ServedKind[]>>();
  for (const [apiVersion, kind] of [...usual, ...objects.map((one) => [one.apiVersion, one.kind] as const)]) {
    const { group, version, plural } = resourceOf(apiVersion, kind);
    const versions = groups.get(group) ?? new Map<string, ServedKind[]>();
    const kinds = versions.get(version) ?? [];
    if (!kinds.some((one) => one.kind === kind)) kinds.push({ kind, plural, namespaced: true });
    groups.set(group, versions.set(version, kinds));
  }
  return groups;
}
