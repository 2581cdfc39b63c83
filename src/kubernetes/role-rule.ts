/** What an account lacks, in one namespace. */
export type Lack = {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Undefined for what is in none. */
  readonly namespace?: string | undefined;
};

/** As a Role has it. */
export const ruleText = ({ group, resource, verbs }: Lack): string =>
  `{apiGroups: [${JSON.stringify(group)}], resources: [${resource}], verbs: [${verbs.join(", ")}]}`;

/** What to do about it. */
export const ruleToAdd = (lack: Lack): string =>
  `Add ${ruleText(lack)} to the job's ${lack.namespace === undefined ? "ClusterRole" : `Role in ${lack.namespace}`}; docs/rbac.yaml has them all.`;

/** What Kubernetes's own authorization says is missing. Policies and webhooks answer 403, too, in other words. */
export function lackIn(message: string): Lack | undefined {
  const [, verb, resource, group = "", namespace] =
    /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(message) ?? [];
  return verb === undefined || resource === undefined ? undefined : { group, resource, verbs: [verb], namespace };
}
