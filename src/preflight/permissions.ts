import { textAt } from "../kubernetes/field.ts";
import { resourceOf } from "../kubernetes/resource-of.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";

export type Verb = "get" | "list" | "create" | "update" | "patch" | "delete";

/** Something that a release does to a kind of object, and what for. `docs/rbac.yaml` is the same list, and a test holds them equal. */
export type Permission = {
  readonly group: string;
  /** The collection, `pods/log` for a subresource. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
  /** Ends the sentence "may not …, which is needed to". */
  readonly why: string;
  /** Without it a release works, and something less is known or done. */
  readonly optional?: true;
  /** Default: every release needs it. */
  readonly when?: (target: Target, plan: Plan) => boolean;
  /** Asked for in the VirtualServices' namespaces; everything else is in the service's. */
  readonly ofRoutes?: true;
};

const istio = "networking.istio.io";

const makesPods = ({ source }: Target): boolean => source.from !== "existing";
const splitsBySubset = ({ canary }: Target): boolean => canary.subset !== undefined;

/** Everything that a release may do, in the order in which it does it. */
export const permissions: readonly Permission[] = [
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "create", "update"],
    why: "keep two jobs from releasing one service at once",
  },
  {
    group: "",
    resource: "configmaps",
    verbs: ["get", "create", "update"],
    why: "keep the journal, by which another job can finish a release or give it back",
  },
  {
    group: istio,
    resource: "virtualservices",
    verbs: ["get", "list", "patch"],
    why: "read the routes and move their weights",
    ofRoutes: true,
  },
  { group: istio, resource: "destinationrules", verbs: ["list"], why: "know the subsets" },
  {
    group: istio,
    resource: "destinationrules",
    verbs: ["get", "create", "patch", "delete"],
    why: "add the canary's subset where it is missing, and take it away again",
    optional: true,
    when: splitsBySubset,
  },
  { group: "", resource: "services", verbs: ["list"], why: "know which pods are behind a host" },
  { group: "", resource: "pods", verbs: ["list"], why: "see how the canary's pods are" },
  {
    group: "apps",
    resource: "deployments",
    verbs: ["get", "list", "patch"],
    why: "give a Deployment the image and the replicas, and see how it is",
  },
  {
    group: "apps",
    resource: "deployments",
    verbs: ["create", "delete"],
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
    resource: "pods/log",
    verbs: ["get"],
    why: "show the last words of a container that crashes",
    optional: true,
  },
  {
    group: "",
    resource: "namespaces",
    verbs: ["get"],
    why: "know whether the namespace injects sidecars",
    optional: true,
  },
];

/** The permissions that this release needs, manifests' kinds included, each in its namespace. */
export function permissionsFor(target: Target, plan: Plan): readonly (Permission & { readonly namespace: string })[] {
  const applies = ({ when }: Permission): boolean => when?.(target, plan) ?? true;
  const namespacesOf = ({ ofRoutes }: Permission): readonly string[] =>
    ofRoutes
      ? [...new Set([target.namespace, ...target.routes.map(({ namespace }) => namespace)])]
      : [target.namespace];
  return [...permissions, ...ofManifests(target)]
    .filter(applies)
    .flatMap((permission) => namespacesOf(permission).map((namespace) => ({ ...permission, namespace })));
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
    why: "apply your manifests and take them away again",
  }));
}
