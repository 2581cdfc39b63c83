import { gatewayGroup, gatewayKinds } from "../../istio/gateway-route.ts";
import { parentRefsOf } from "../../istio/route-parent.ts";
import { replicasOf } from "../../kubernetes/deployment.ts";
import { textAt } from "../../kubernetes/field.ts";
import { groupOf, type KubernetesObject, type Resource } from "../../kubernetes/object.ts";
import { resourceOf } from "../../kubernetes/resource-of.ts";
import { type KubernetesClient, KubernetesError, type Patch, type ServedKind } from "./kubernetes-client.ts";

/**
 * A cluster that consists of the objects of some files, as it would be once they are applied and all of it runs. Nothing
 * can be written to it, and every dry run is fine: no webhook is there to say otherwise. What stands in no file may be
 * in a cluster all the same: it may not be read here.
 */
export function fileClient(written: readonly KubernetesObject[], brought: readonly unknown[] = []): KubernetesClient {
  const objects = written.map(asRunning);
  const groups = groupsOf(objects, brought);

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
    if (!found && isOfOthers.has(resource.kind)) throw notHere(resource);
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

/** By these a release is told what it stands in; whatever else it asks for by name, it brings. */
const isOfOthers = new Set(["Namespace", "Gateway"]);

const notHere = ({ kind }: Resource): KubernetesError =>
  new KubernetesError(`No file has a ${kind} there`, 403, "Forbidden");

const readKind = (object: unknown) => ({
  apiVersion: textAt(object, "apiVersion") ?? "",
  kind: textAt(object, "kind") ?? "",
});

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

/** What every Kubernetes serves: https://kubernetes.io/docs/reference/kubernetes-api/ */
const ofKubernetes: Readonly<Record<string, string>> = {
  v1: "ConfigMap Endpoints LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
  "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
  "autoscaling/v1": "HorizontalPodAutoscaler",
  "autoscaling/v2": "HorizontalPodAutoscaler",
  "batch/v1": "CronJob Job",
  "coordination.k8s.io/v1": "Lease",
  "discovery.k8s.io/v1": "EndpointSlice",
  "networking.k8s.io/v1": "Ingress NetworkPolicy",
  "policy/v1": "PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1": "Role RoleBinding",
};

const ofMesh: Readonly<Record<string, string>> = {
  "networking.istio.io/v1": "VirtualService",
  [`${gatewayGroup}/v1`]: gatewayKinds.map(({ kind }) => kind).join(" "),
};

/** Belongs to no namespace: no release makes it. */
const ofCluster: Readonly<Record<string, string>> = {
  v1: "Namespace PersistentVolume",
  "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
  "scheduling.k8s.io/v1": "PriorityClass",
  "storage.k8s.io/v1": "StorageClass",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition",
};

type NamedKind = readonly [apiVersion: string, kind: string, namespaced: boolean];

const kindsIn = (table: Readonly<Record<string, string>>, namespaced: boolean): readonly NamedKind[] =>
  Object.entries(table).flatMap(([apiVersion, kinds]) =>
    kinds.split(" ").map((kind) => [apiVersion, kind, namespaced] as const),
  );

/** Every version that a file names is served, too, and whatever a manifest brings that is not Kubernetes's own. */
function groupsOf(objects: readonly KubernetesObject[], brought: readonly unknown[]): Groups {
  const own = kindsIn(ofKubernetes, true);
  const ownGroups = new Set(own.map(([apiVersion]) => groupOf({ apiVersion })));
  const custom = brought.map(readKind).filter((one) => !ownGroups.has(groupOf(one)));
  const named = [...objects, ...custom].map(({ apiVersion, kind }) => [apiVersion, kind, true] as const);
  const all = [...kindsIn(ofCluster, false), ...own, ...kindsIn(ofMesh, true), ...named];
  const groups = new Map<string, Map<string, ServedKind[]>>();
  for (const [apiVersion, kind, namespaced] of all) {
    const { group, version, plural } = resourceOf(apiVersion, kind);
    const versions = groups.get(group) ?? new Map<string, ServedKind[]>();
    const kinds = versions.get(version) ?? [];
    if (!kinds.some((one) => one.kind === kind)) kinds.push({ kind, plural, namespaced });
    groups.set(group, versions.set(version, kinds));
  }
  return groups;
}
