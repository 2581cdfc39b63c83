/** A kind of object that the server keeps. */
export type Kind = {
  readonly group: string;
  /** Served versions, the preferred one first. All share one storage, as Istio's do. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly singular: string;
  /** As people type them: `deploy`, `vs`. */
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
  /** A custom resource: pruned by its schema, no strategic merge patch, no update without a resourceVersion. */
  readonly custom: boolean;
  /** `status` has an own URL, and the main one ignores it. */
  readonly status: boolean;
  /** `metadata.generation` counts the changes of the spec. */
  readonly generation: boolean;
  /** Names are DNS labels (Services) or DNS subdomains (nearly everything else). */
  readonly names: "label" | "subdomain" | "path-segment";
};

type Rest = Partial<Pick<Kind, "shortNames" | "namespaced" | "custom" | "status" | "generation" | "names">>;

function kind(group: string, versions: readonly string[], plural: string, name: string, rest: Rest = {}): Kind {
  return {
    group,
    versions,
    plural,
    singular: name.toLowerCase(),
    shortNames: [],
    kind: name,
    namespaced: true,
    custom: false,
    status: false,
    generation: false,
    names: "subdomain",
    ...rest,
  };
}

const istiosOwn: Rest = { custom: true, status: true, generation: true };

const istio = (plural: string, name: string, shortName: string): Kind =>
  kind("networking.istio.io", ["v1", "v1beta1", "v1alpha3"], plural, name, { ...istiosOwn, shortNames: [shortName] });

const istioSecurity = (plural: string, name: string, shortName: string): Kind =>
  kind("security.istio.io", ["v1", "v1beta1"], plural, name, { ...istiosOwn, shortNames: [shortName] });

/** As its CRDs of the standard channel say. */
const gatewayApi = (plural: string, name: string, versions: readonly string[] = ["v1"]): Kind =>
  kind("gateway.networking.k8s.io", versions, plural, name, { custom: true, status: true, generation: true });

const rbac = "rbac.authorization.k8s.io";

export const kinds: readonly Kind[] = [
  kind("", ["v1"], "namespaces", "Namespace", { shortNames: ["ns"], namespaced: false, status: true, names: "label" }),
  kind("", ["v1"], "pods", "Pod", { shortNames: ["po"], status: true, generation: true }),
  kind("", ["v1"], "services", "Service", { shortNames: ["svc"], status: true, names: "label" }),
  kind("", ["v1"], "configmaps", "ConfigMap", { shortNames: ["cm"] }),
  kind("", ["v1"], "secrets", "Secret"),
  kind("", ["v1"], "persistentvolumeclaims", "PersistentVolumeClaim", { shortNames: ["pvc"], status: true }),
  kind("", ["v1"], "events", "Event", { shortNames: ["ev"] }),
  kind("", ["v1"], "serviceaccounts", "ServiceAccount", { shortNames: ["sa"] }),
  kind("apps", ["v1"], "deployments", "Deployment", { shortNames: ["deploy"], status: true, generation: true }),
  kind("apps", ["v1"], "replicasets", "ReplicaSet", { shortNames: ["rs"], status: true, generation: true }),
  // Nothing here makes pods of the next three.
  kind("apps", ["v1"], "statefulsets", "StatefulSet", { shortNames: ["sts"], status: true, generation: true }),
  kind("apps", ["v1"], "daemonsets", "DaemonSet", { shortNames: ["ds"], status: true, generation: true }),
  kind("batch", ["v1"], "jobs", "Job", { status: true, generation: true }),
  kind("policy", ["v1"], "poddisruptionbudgets", "PodDisruptionBudget", {
    shortNames: ["pdb"],
    status: true,
    generation: true,
  }),
  kind("coordination.k8s.io", ["v1"], "leases", "Lease"),
  kind("discovery.k8s.io", ["v1"], "endpointslices", "EndpointSlice"),
  kind("networking.k8s.io", ["v1"], "ingresses", "Ingress", { shortNames: ["ing"], status: true, generation: true }),
  kind("networking.k8s.io", ["v1"], "networkpolicies", "NetworkPolicy", { shortNames: ["netpol"], generation: true }),
  kind("autoscaling", ["v2"], "horizontalpodautoscalers", "HorizontalPodAutoscaler", {
    shortNames: ["hpa"],
    status: true,
  }),
  kind(rbac, ["v1"], "roles", "Role", { names: "path-segment" }),
  kind(rbac, ["v1"], "rolebindings", "RoleBinding", { names: "path-segment" }),
  kind(rbac, ["v1"], "clusterroles", "ClusterRole", { namespaced: false, names: "path-segment" }),
  kind(rbac, ["v1"], "clusterrolebindings", "ClusterRoleBinding", { namespaced: false, names: "path-segment" }),
  istio("virtualservices", "VirtualService", "vs"),
  istio("destinationrules", "DestinationRule", "dr"),
  istio("gateways", "Gateway", "gw"),
  istio("sidecars", "Sidecar", "sidecar"),
  kind("networking.istio.io", ["v1alpha3"], "envoyfilters", "EnvoyFilter", istiosOwn),
  kind("extensions.istio.io", ["v1alpha1"], "wasmplugins", "WasmPlugin", istiosOwn),
  istio("serviceentries", "ServiceEntry", "se"),
  istio("workloadentries", "WorkloadEntry", "we"),
  istioSecurity("authorizationpolicies", "AuthorizationPolicy", "ap"),
  istioSecurity("peerauthentications", "PeerAuthentication", "pa"),
  istioSecurity("requestauthentications", "RequestAuthentication", "ra"),
  gatewayApi("gateways", "Gateway", ["v1", "v1beta1"]),
  gatewayApi("httproutes", "HTTPRoute", ["v1", "v1beta1"]),
  gatewayApi("grpcroutes", "GRPCRoute"),
  gatewayApi("tlsroutes", "TLSRoute"),
  gatewayApi("tcproutes", "TCPRoute"),
  gatewayApi("referencegrants", "ReferenceGrant", ["v1beta1"]),
];

export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

export const apiVersionOf = (kind: Kind, version = kind.versions[0] ?? "v1"): string =>
  kind.group === "" ? version : `${kind.group}/${version}`;

/** `deployments.apps`, `pods`: how messages name a resource. */
export const resourceName = (kind: Kind): string => (kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`);

/** `Deployment.apps`, `Pod`: how messages about invalid objects name a kind. */
export const kindName = (kind: Kind): string => (kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`);

export const kindOf = (object: { readonly apiVersion?: string; readonly kind?: string }): Kind | undefined =>
  kinds.find(({ group, kind }) => kind === object.kind && group === groupOf(object.apiVersion ?? ""));

/** The kind by its plural: for the program's own use, where the plural is known to exist. */
export function kindNamed(plural: string): Kind {
  const found = kinds.find((kind) => kind.plural === plural);
  if (found === undefined) throw new Error(`no kind is called ${plural}`);
  return found;
}
