import type { Labels } from "./istio-metrics.ts";
import { type Pod, type Service, selects } from "./objects.ts";

/** A proxy's name for what runs in a pod: the Deployment, where a ReplicaSet's name ends in the pod template's hash. */
export function workloadOf(pod: Pod): string {
  const owner = pod.metadata.ownerReferences?.[0];
  const hash = pod.metadata.labels?.["pod-template-hash"];
  if (owner === undefined) return pod.metadata.name;
  return owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)
    ? owner.name.slice(0, -hash.length - 1)
    : owner.name;
}

/** The container that the injector adds, as a normal container or as a native sidecar. */
export const proxyName = "istio-proxy";

export const hasProxy = (pod: Pod): boolean =>
  [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some(({ name }) => name === proxyName);

/** Labels of one side. Without a sidecar there nobody tells its app, version and identity; the endpoint tells the rest. */
export function peerLabels(side: "source" | "destination", pod: Pod | undefined): Labels {
  const labels = pod?.metadata.labels ?? {};
  const known = pod !== undefined;
  const told = known && hasProxy(pod);
  // https://github.com/istio/istio/blob/master/pkg/kube/labels/labels.go: the first that is there
  const canonicalName = labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels.app;
  const canonicalRevision =
    labels["service.istio.io/canonical-revision"] ?? labels["app.kubernetes.io/version"] ?? labels.version;
  return {
    [`${side}_workload`]: known ? workloadOf(pod) : "unknown",
    [`${side}_workload_namespace`]: known ? pod.metadata.namespace : "unknown",
    [`${side}_principal`]: "unknown",
    [`${side}_app`]: (told && labels.app) || "unknown",
    [`${side}_version`]: (told && labels.version) || "unknown",
    [`${side}_cluster`]: known ? "Kubernetes" : "unknown",
    [`${side}_canonical_service`]: known ? (canonicalName ?? workloadOf(pod)) : "unknown",
    [`${side}_canonical_revision`]: canonicalRevision ?? "latest",
  };
}

/** Labels of the service that was asked for: a full host name of the mesh, or whatever the client called it. */
export function serviceLabels(host: string): Labels {
  const [name = "unknown", namespace] = host.endsWith(".svc.cluster.local") ? host.split(".") : [host];
  return {
    destination_service: host,
    destination_service_name: name,
    destination_service_namespace: namespace ?? "unknown",
  };
}

/** The host name of the oldest Service that selects a pod, as its own proxy would name it. */
export function serviceOf(pod: Pod, services: Iterable<Service>): string | undefined {
  const selecting = [...services].filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace && selects(spec.selector, pod.metadata.labels),
  );
  const [oldest] = selecting.sort((a, b) =>
    `${a.metadata.creationTimestamp}${a.metadata.name}`.localeCompare(
      `${b.metadata.creationTimestamp}${b.metadata.name}`,
    ),
  );
  return oldest && `${oldest.metadata.name}.${oldest.metadata.namespace}.svc.cluster.local`;
}
