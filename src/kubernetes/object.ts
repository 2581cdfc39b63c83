/** An object as the API server wrote it. Raw JSON on purpose: typed models lose the fields they do not know. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
};

/** The group of its kind; "" is Kubernetes' own first one. */
export const groupOf = ({ apiVersion }: Pick<KubernetesObject, "apiVersion">): string =>
  apiVersion.split("/").at(-2) ?? "";

/** How people find an object: `Deployment shop/reviews-v1`. */
export const placeWord = ({ kind, metadata }: KubernetesObject): string =>
  `${kind} ${metadata.namespace}/${metadata.name}`;

/** On its way out: it goes as soon as no finalizer holds it any more, and nobody can call that off. */
export const isTerminating = ({ metadata }: KubernetesObject): boolean => metadata.deletionTimestamp !== undefined;

/** Kubernetes' own are for the way in which an object goes. */
const kubernetesOwn: ReadonlySet<unknown> = new Set(["foregroundDeletion", "orphan"]);

/** Who keeps an object from going when it is deleted. */
export const finalizersOf = ({ metadata: { finalizers } }: KubernetesObject): readonly string[] =>
  Array.isArray(finalizers) ? finalizers.filter((one) => !kubernetesOwn.has(one)).map(String) : [];

export type Metadata = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
};

/** A kind of object, as URLs and messages name it. */
export type Resource = {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
};

const core = (plural: string, kind: string): Resource => ({ group: "", version: "v1", plural, kind });

export const resources = {
  pods: core("pods", "Pod"),
  services: core("services", "Service"),
  persistentVolumeClaims: core("persistentvolumeclaims", "PersistentVolumeClaim"),
  configMaps: core("configmaps", "ConfigMap"),
  namespaces: core("namespaces", "Namespace"),
  events: core("events", "Event"),
  deployments: { group: "apps", version: "v1", plural: "deployments", kind: "Deployment" },
  replicaSets: { group: "apps", version: "v1", plural: "replicasets", kind: "ReplicaSet" },
  leases: { group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease" },
  horizontalPodAutoscalers: {
    group: "autoscaling",
    version: "v2",
    plural: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
  },
  ingresses: { group: "networking.k8s.io", version: "v1", plural: "ingresses", kind: "Ingress" },
  serviceEntries: { group: "networking.istio.io", version: "v1", plural: "serviceentries", kind: "ServiceEntry" },
  workloadEntries: { group: "networking.istio.io", version: "v1", plural: "workloadentries", kind: "WorkloadEntry" },
  virtualServices: { group: "networking.istio.io", version: "v1", plural: "virtualservices", kind: "VirtualService" },
  destinationRules: {
    group: "networking.istio.io",
    version: "v1",
    plural: "destinationrules",
    kind: "DestinationRule",
  },
  sidecars: { group: "networking.istio.io", version: "v1", plural: "sidecars", kind: "Sidecar" },
  /** Of the Gateway API: waypoints are some. */
  gatewaysOfApi: { group: "gateway.networking.k8s.io", version: "v1", plural: "gateways", kind: "Gateway" },
  gateways: { group: "networking.istio.io", version: "v1", plural: "gateways", kind: "Gateway" },
  selfSubjectAccessReviews: {
    group: "authorization.k8s.io",
    version: "v1",
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
  },
} as const satisfies Readonly<Record<string, Resource>>;

/** The URL path of one version of a group. */
export const groupPath = (group: string, version: string): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

/** The URL path of a collection or, with a name, of one object. */
export function pathOf({ group, version, plural }: Resource, namespace: string | undefined, name?: string): string {
  const parts = [plural];
  if (namespace !== undefined) parts.unshift("namespaces", namespace);
  if (name !== undefined) parts.push(name);
  return [groupPath(group, version), ...parts.map(encodeURIComponent)].join("/");
}
