import { field, listAt, numberAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";

/** What a controller says of a route for one of the parents that the route names. */
export type ParentStatus = {
  /** `Gateway istio-ingress/public`, `Service shop/reviews`. */
  readonly parent: string;
  /** What it does not follow, and why. */
  readonly refused: readonly string[];
  /** It has not looked at the newest version of the route yet. */
  readonly isBehind: boolean;
};

export type ParentRef = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

export const parentRefsOf = (route: KubernetesObject): readonly ParentRef[] =>
  listAt(route, "spec", "parentRefs").map((ref) => readRef(ref, route.metadata.namespace ?? ""));

const readRef = (ref: unknown, namespace: string): ParentRef => ({
  kind: textAt(ref, "kind") ?? "Gateway",
  namespace: textAt(ref, "namespace") ?? namespace,
  name: textAt(ref, "name") ?? "",
});

export const parentWord = ({ kind, namespace, name }: ParentRef): string => `${kind} ${namespace}/${name}`;

/** Both have to be true of what is followed: https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus */
const conditions = ["Accepted", "ResolvedRefs"] as const;

/** What is said of the parents that the route names now. Of a parent that nobody has taken up nothing is said. */
function parentStatusesOf(route: KubernetesObject): readonly ParentStatus[] {
  const named = parentRefsOf(route).map(parentWord);
  return listAt(route, "status", "parents")
    .map((status) => readStatus(status, route))
    .filter(({ parent }) => named.includes(parent));
}

/** What its parents say of the route as a whole. */
export type Acceptance = {
  readonly parents: readonly ParentStatus[];
  /** What is not followed of it, by which parent, and why. */
  readonly refused: readonly string[];
  /** The parents that have not looked at its newest version yet. */
  readonly behind: readonly string[];
};

export function acceptanceOf(route: KubernetesObject): Acceptance {
  const parents = parentStatusesOf(route);
  return {
    parents,
    refused: parents.flatMap(({ parent, refused }) => refused.map((because) => `${parent}: ${because}`)),
    behind: parents.filter(({ isBehind }) => isBehind).map(({ parent }) => parent),
  };
}

function readStatus(status: unknown, { metadata: { namespace = "", generation = 0 } }: KubernetesObject): ParentStatus {
  const said = listAt(status, "conditions");
  const found = conditions.map((type) => said.find((one) => textAt(one, "type") === type));
  const isNew = (condition: unknown): boolean => (numberAt(condition, "observedGeneration") ?? 0) >= generation;
  const refused = found.filter((one) => one !== undefined && isNew(one) && textAt(one, "status") === "False");
  return {
    parent: parentWord(readRef(field(status, "parentRef"), namespace)),
    refused: refused.map((one) => `${textAt(one, "type")} is False: ${reasonOf(one)}`),
    isBehind: found.some((one) => one === undefined || !isNew(one)),
  };
}

const reasonOf = (condition: unknown): string =>
  [textAt(condition, "reason"), textAt(condition, "message")].filter((text) => text !== undefined).join(", ");
