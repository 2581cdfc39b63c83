import { journalName } from "../adapters/kubernetes/config-map-journal.ts";
import { leaseName } from "../adapters/kubernetes/lease-lock.ts";
import { gatewayGroup, gatewayRoutes } from "../istio/gateway-route.ts";
import { textAt } from "../kubernetes/field.ts";
import { resourceOf } from "../kubernetes/resource-of.ts";
import type { Permission } from "../ports/permission.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { lookPermissions, rootLooks } from "./look-around.ts";

const makesPods = ({ source }: Target): boolean => source.from !== "existing";

const ofTheJob: readonly Permission[] = [
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "create", "update"],
    names: ({ service }) => [leaseName(service)],
    why: "keep two jobs from releasing one service at once",
  },
  {
    group: "",
    resource: "configmaps",
    verbs: ["get", "create", "update"],
    names: ({ service }) => [journalName(service)],
    why: "keep the journal, by which another job can finish a release or give it back",
  },
];

const ofTheService: readonly Permission[] = [
  { group: "", resource: "services", verbs: ["list"], why: "know which pods are behind a host" },
  { group: "", resource: "pods", verbs: ["list"], why: "see how the canary's pods are" },
  {
    group: "apps",
    resource: "deployments",
    verbs: ["get", "list", "patch"],
    names: ({ stable, canary }) => [stable.deployment, canary.deployment],
    why: "give a Deployment the image and the replicas, and see how it is",
  },
  {
    group: "apps",
    resource: "deployments",
    verbs: ["create", "delete"],
    names: ({ canary }) => [canary.deployment],
    why: "make the canary's Deployment and take it away again",
    when: makesPods,
  },
  {
    group: "apps",
    resource: "replicasets",
    verbs: ["get", "list"],
    why: "tell new pods from old ones, and put an older pod template back",
  },
  {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    verbs: ["list"],
    why: "leave the replicas to an autoscaler where there is one",
  },
  {
    group: "policy",
    resource: "poddisruptionbudgets",
    verbs: ["list"],
    why: "tell of budgets that the new stable would lack",
    optional: true,
  },
  {
    group: "",
    resource: "persistentvolumeclaims",
    verbs: ["get"],
    why: "tell of volumes that two versions cannot share",
    optional: true,
    when: makesPods,
  },
  {
    group: "",
    resource: "pods/log",
    verbs: ["get"],
    why: "keep the last lines of the canary's pods when it is given up",
    optional: true,
  },
  {
    group: "",
    resource: "namespaces",
    verbs: ["get"],
    names: (_, namespace) => [namespace],
    why: "know whether the namespace injects sidecars",
    optional: true,
  },
  ...lookPermissions,
];

/** Everything that a release may do, in the order in which it does it. */
export const permissionsWith = (ofRoutes: readonly Permission[]): readonly Permission[] => [
  ...ofTheJob,
  ...ofRoutes,
  ...ofTheService,
];

/**
 * What is read in every namespace, if it may be. The API server is not asked about these beforehand: the look itself
 * says what it could not read, and whether there are such kinds.
 */
export const permissionsEverywhere: readonly (Omit<Permission, "resource"> & {
  readonly resources: readonly string[];
})[] = [
  {
    group: "networking.istio.io",
    resources: ["virtualservices", "destinationrules", "serviceentries", "workloadentries"],
    verbs: ["list"],
    why: "find the rules and entries that send to a version that is about to lose its pods, wherever they are",
    optional: true,
  },
  {
    group: gatewayGroup,
    resources: [...gatewayRoutes, "referencegrants"],
    verbs: ["list"],
    why: "find the same in routes of the Gateway API",
    optional: true,
  },
  {
    group: "networking.istio.io",
    resources: ["destinationrules", "gateways", "sidecars"],
    verbs: ["list"],
    why: "know which gateways and clients see the weights and the subsets",
    optional: true,
  },
  {
    group: gatewayGroup,
    resources: ["gateways"],
    verbs: ["get"],
    why: "know whether the waypoint of a service in an ambient mesh is there",
    optional: true,
  },
  ...["security.istio.io", "networking.istio.io", "extensions.istio.io"].map((group) => ({
    group,
    resources: rootLooks.filter((look) => look.group === group).map(({ plural }) => plural),
    verbs: ["list"] as const,
    why: "know whether what Istio's own namespace has for pods everywhere is for one version only",
    optional: true as const,
  })),
];

/** In Prometheus's namespace, where the API server passes on what it is asked (`service://…`): the look itself tells. */
export const permissionsAtPrometheus: readonly Permission[] = [
  {
    group: "",
    resource: "services/proxy",
    verbs: ["get"],
    why: "ask Prometheus over the API server",
    optional: true,
    byLooking: true,
  },
];

const ofProxies = { group: "", optional: true, byLooking: true } as const;
const ofGateways = { ...ofProxies, resource: "pods", verbs: ["list"], why: "find the gateways' pods" } as const;

/** Where the proxies themselves are read: in the service's namespace, and in the gateways'. The look itself tells. */
export const permissionsAtProxies: readonly Permission[] = [
  { ...ofProxies, resource: "pods/proxy", verbs: ["get"], why: "read what the proxies of both versions have counted" },
  ofGateways,
  { ...ofProxies, resource: "pods/proxy", verbs: ["get"], why: "read what the gateways have counted" },
];

const ofForwards = { ...ofProxies, resource: "pods/portforward", verbs: ["get", "create"] } as const;

/** Where the proxies say what they have (`confirm: proxies`): in the same namespaces. The look itself tells. */
export const permissionsToConfirm: readonly Permission[] = [
  { ...ofForwards, why: "hear from proxies of callers that they have what was written" },
  ofGateways,
  { ...ofForwards, why: "hear from the gateways that they have what was written" },
];

/** A permission in one namespace, and for which objects of it. */
export type PlacedPermission = Permission & { readonly namespace: string; readonly objects?: readonly string[] };

/** The permissions that this release needs, manifests' kinds included, each in its namespace. */
export function permissionsFor(
  target: Target,
  plan: Plan,
  ofRoutes: readonly Permission[],
): readonly PlacedPermission[] {
  const routesNamespaces = new Set([target.namespace, ...target.routes.map(({ namespace }) => namespace)]);
  return [...permissionsWith(ofRoutes), ...ofManifests(target)]
    .filter(({ when }) => when?.(target, plan) ?? true)
    .flatMap((permission) => {
      const namespaces = permission.ofRoutes ? [...routesNamespaces] : [target.namespace];
      return namespaces.map((namespace) => ({
        ...permission,
        namespace,
        objects: permission.names?.(target, namespace) ?? [],
      }));
    });
}

function ofManifests({ source }: Target): readonly Permission[] {
  if (source.from !== "manifests") return [];
  const kinds = source.objects.map((object) =>
    resourceOf(textAt(object, "apiVersion") ?? "", textAt(object, "kind") ?? ""),
  );
  const distinct = new Map(kinds.map((kind) => [`${kind.plural}.${kind.group}`, kind]));
  return [...distinct.values()].map(({ group, plural }) => ({
    group,
    resource: plural,
    verbs: ["get", "create", "patch", "delete"],
    names: () =>
      source.objects.flatMap((object, index) => {
        const name = kinds[index]?.plural === plural ? textAt(object, "metadata", "name") : undefined;
        return name === undefined ? [] : [name];
      }),
    why: "apply your manifests and take them away again",
  }));
}
