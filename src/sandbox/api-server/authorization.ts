import { randomUUID } from "node:crypto";
import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";
import type { ObjectRequest } from "./route.ts";
import { forbidden } from "./status.ts";

/** A rule of a Role, limited to `namespaces` (as a RoleBinding would); without them it holds everywhere. */
export type Rule = {
  readonly apiGroups: readonly string[];
  /** `pods`, `pods/log`, `*`. */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly namespaces?: readonly string[];
};

/** Who a bearer token stands for, and what that user may do. */
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

const covers = (allowed: readonly string[], wanted: string): boolean => allowed.includes("*") || allowed.includes(wanted);

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

export const mayDo = (user: User, wanted: Attributes): boolean => user.rules.some((rule) => allows(rule, wanted));

/** A request without a namespace is one for the whole cluster. */
export function authorize(user: User, request: ObjectRequest): void {
  const { kind, verb, name, namespace = "", subresource } = request;
  const wanted = { verb, group: kind.group, resource: kind.plural, subresource, name, namespace: kind.plural === "namespaces" ? name : namespace };
  if (!mayDo(user, wanted)) throw forbidden(kind, name, refusal(user, request, kind, namespace));
}

function refusal({ user }: User, { verb, subresource }: ObjectRequest, kind: Kind, namespace: string): string {
  const resource = subresource === "" ? kind.plural : `${kind.plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return `User "${user}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${where}`;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The answer to "may I?": https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access */
export function reviewAccess(user: User, review: Readonly<Record<string, unknown>>): { readonly allowed: boolean; readonly reason?: string } {
  const spec = isObject(review.spec) ? review.spec : {};
  if (!isObject(spec.resourceAttributes)) return { allowed: user === administrator };
  const { verb, group, resource, subresource, namespace, name } = spec.resourceAttributes;
  return {
    allowed: mayDo(user, { verb: text(verb), group: text(group), resource: text(resource), subresource: text(subresource), namespace: text(namespace), name: text(name) }),
  };
}
