import { randomUUID } from "node:crypto";
import { type Kind, kindNamed } from "./kind.ts";
import { isObject, type StoredObject } from "./object.ts";
import type { ObjectRequest } from "./route.ts";
import { ApiError, forbidden } from "./status.ts";
import type { Store } from "./store.ts";

/** A rule of a Role, limited to `namespaces` (as a RoleBinding would); without them it holds everywhere. */
export type Rule = {
  readonly apiGroups: readonly string[];
  /** `pods`, `pods/log`, `*`. */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly namespaces?: readonly string[];
};

/** Who a bearer token stands for, and what that user may do besides what RoleBindings in the store allow. */
export type User = { readonly user: string; readonly rules: readonly Rule[] };

export type Attributes = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
};

const everything: Rule = { apiGroups: ["*"], resources: ["*"], verbs: ["*"] };

export const administrator: User = { user: "kubernetes-admin", rules: [everything] };

export const createToken = (): string => randomUUID();

const covers = (allowed: readonly string[], wanted: string): boolean =>
  allowed.includes("*") || allowed.includes(wanted);

function allows(rule: Rule, wanted: Attributes): boolean {
  const resource = wanted.subresource === "" ? wanted.resource : `${wanted.resource}/${wanted.subresource}`;
  return (
    covers(rule.apiGroups, wanted.group) &&
    covers(rule.resources, resource) &&
    covers(rule.verbs, wanted.verb) &&
    (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(wanted.name)) &&
    (rule.namespaces === undefined || rule.namespaces.includes(wanted.namespace))
  );
}

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const items = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

/** The user as RoleBindings and ClusterRoleBindings have it: with the rules of every role that is bound to the name. */
export function withBoundRules(user: User, store: Store): User {
  const bindings = ["rolebindings", "clusterrolebindings"].flatMap((plural) => store.list(kindNamed(plural)));
  const bound = bindings.filter(({ subjects, metadata }) =>
    items(subjects).some((subject) => subjectName(subject, metadata.namespace) === user.user),
  );
  return { ...user, rules: [...user.rules, ...bound.flatMap((binding) => rulesOf(binding, store))] };
}

const subjectName = ({ kind, name, namespace }: Readonly<Record<string, unknown>>, here = ""): string =>
  kind === "ServiceAccount" ? `system:serviceaccount:${text(namespace) || here}:${text(name)}` : text(name);

function rulesOf({ roleRef, metadata: { namespace } }: StoredObject, store: Store): readonly Rule[] {
  const { kind, name } = isObject(roleRef) ? roleRef : {};
  const role = store.get(kindNamed(kind === "ClusterRole" ? "clusterroles" : "roles"), namespace, text(name));
  return items(role?.rules).map(({ apiGroups, resources, verbs, resourceNames }) => ({
    apiGroups: list(apiGroups),
    resources: list(resources),
    verbs: list(verbs),
    resourceNames: list(resourceNames),
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
  }));
}

export const mayDo = (user: User, wanted: Attributes): boolean => user.rules.some((rule) => allows(rule, wanted));

/** A request without a namespace is one for the whole cluster. */
export function authorize(user: User, request: ObjectRequest): void {
  const { kind, verb, name, namespace = "", subresource } = request;
  const wanted = {
    verb,
    group: kind.group,
    resource: kind.plural,
    subresource,
    name,
    namespace: kind.plural === "namespaces" ? name : namespace,
  };
  if (!mayDo(user, wanted)) throw forbidden(kind, name, refusal(user, request, kind, wanted.namespace));
}

function refusal({ user }: User, { verb, subresource }: ObjectRequest, kind: Kind, namespace: string): string {
  const resource = subresource === "" ? kind.plural : `${kind.plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return `User "${user}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${where}`;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The answer to "may I?": https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access */
export function reviewAccess(
  user: User,
  review: Readonly<Record<string, unknown>>,
): { readonly allowed: boolean; readonly reason?: string } {
  const spec = isObject(review.spec) ? review.spec : {};
  if (!isObject(spec.resourceAttributes)) {
    const message = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
    const causes = [{ reason: "FieldValueInvalid", message, field: "spec.resourceAttributes" }];
    throw new ApiError(422, "Invalid", `.authorization.k8s.io "" is invalid: spec.resourceAttributes: ${message}`, {
      group: "authorization.k8s.io",
      causes,
    });
  }
  const { verb, group, resource, subresource, namespace, name } = spec.resourceAttributes;
  return {
    allowed: mayDo(user, {
      verb: text(verb),
      group: text(group),
      resource: text(resource),
      subresource: text(subresource),
      namespace: text(namespace),
      name: text(name),
    }),
  };
}
