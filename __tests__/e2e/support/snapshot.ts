import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { ApiServer } from "./api-server.ts";

/** The collections that a release could touch; pods, ReplicaSets and what else controllers make are not among them. */
export const collections = [
  "/api/v1/namespaces/NAMESPACE/services",
  "/api/v1/namespaces/NAMESPACE/configmaps",
  "/api/v1/namespaces/NAMESPACE/resourcequotas",
  "/apis/apps/v1/namespaces/NAMESPACE/deployments",
  "/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers",
  "/apis/policy/v1/namespaces/NAMESPACE/poddisruptionbudgets",
  "/apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases",
  "/apis/networking.istio.io/v1/namespaces/NAMESPACE/virtualservices",
  "/apis/networking.istio.io/v1/namespaces/NAMESPACE/destinationrules",
  "/apis/networking.istio.io/v1/namespaces/NAMESPACE/gateways",
  "/apis/networking.istio.io/v1/namespaces/NAMESPACE/sidecars",
  "/apis/networking.istio.io/v1/namespaces/NAMESPACE/serviceentries",
  "/apis/gateway.networking.k8s.io/v1/namespaces/NAMESPACE/httproutes",
];

/** `Kind/name` of each object, and all of it that people wrote. Two of them are compared by assert.deepEqual. */
export type Snapshot = Readonly<Record<string, unknown>>;

/**
 * Everything in a namespace as people wrote it. Left out is what servers and controllers keep: status, managedFields,
 * resourceVersion, generation, and a Deployment's revision number. The uid stays: an object that was deleted and made
 * again is not the same one.
 */
export async function snapshot(api: ApiServer, namespace: string): Promise<Snapshot> {
  const lists = await Promise.all(
    collections.map((path) =>
      api.expect<{ readonly kind: string; readonly items: readonly KubernetesObject[] }>(
        "GET",
        path.replace("NAMESPACE", namespace),
      ),
    ),
  );
  return Object.fromEntries(
    lists.flatMap(({ kind, items }) =>
      items.map((item) => [`${kind.replace(/List$/, "")}/${item.metadata.name}`, asWritten(item)]),
    ),
  );
}

function asWritten({ status: _status, metadata, ...object }: KubernetesObject): unknown {
  const {
    managedFields: _managedFields,
    resourceVersion: _resourceVersion,
    generation: _generation,
    annotations = {},
    ...kept
  } = metadata;
  const { "deployment.kubernetes.io/revision": _revision, ...written } = annotations;
  return { ...object, metadata: { ...kept, ...(Object.keys(written).length === 0 ? {} : { annotations: written }) } };
}

/** A snapshot without the journal and the lock of a service: those stay after a release, on purpose. */
export function withoutOurs(taken: Snapshot, service: string): Snapshot {
  const ours = [`ConfigMap/istio-canary-${service}`, `Lease/istio-canary-${service}`];
  return Object.fromEntries(Object.entries(taken).filter(([name]) => !ours.includes(name)));
}
