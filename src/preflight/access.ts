import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { field } from "../kubernetes/field.ts";
import { resources } from "../kubernetes/object.ts";
import { ruleText } from "../kubernetes/role-rule.ts";
import type { Verb } from "../ports/permission.ts";
import { type Finding, note, refuse, unseen, warn } from "../ports/preflight.ts";
import type { PlacedPermission } from "./needed-permissions.ts";
import type { Scene } from "./scene.ts";

/** Asks the API server about every verb that will be used, before the first one is. */
export async function inspectAccess(
  client: KubernetesClient,
  permissions: readonly PlacedPermission[],
): Promise<readonly Finding[]> {
  const asked = permissions.filter(({ byLooking }) => !byLooking);
  try {
    const denied = await Promise.all(asked.map((permission) => deniedVerbs(client, permission)));
    return asked.flatMap((permission, index) => lacking(permission, denied[index] ?? []) ?? []);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    return [
      warn(
        `The API server does not say what this job may do: ${error.message}`,
        "The release goes on; a missing permission will show when it is used.",
      ),
    ];
  }
}

async function deniedVerbs(client: KubernetesClient, permission: PlacedPermission): Promise<readonly Verb[]> {
  const { verbs } = permission;
  const allowed = await Promise.all(verbs.map((verb) => mayDo(client, permission, verb)));
  return verbs.filter((_, index) => !allowed[index]);
}

/**
 * A Role may name the objects, but for verbs that know none:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
async function mayDo(client: KubernetesClient, permission: PlacedPermission, verb: Verb): Promise<boolean> {
  const { objects = [] } = permission;
  const isNameless = verb === "create" || verb === "list" || objects.length === 0;
  const names = isNameless ? [undefined] : objects;
  const answers = await Promise.all(names.map((name) => isAllowed(client, permission, verb, name)));
  return !answers.includes(false);
}

async function isAllowed(
  client: KubernetesClient,
  { group, resource: path, namespace }: PlacedPermission,
  verb: Verb,
  name: string | undefined,
): Promise<boolean> {
  const [resource = "", subresource] = path.split("/");
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb, group, resource, namespace, name, subresource } },
  };
  const answer = await client.create(resources.selfSubjectAccessReviews, undefined, review);
  return field(answer, "status", "allowed") === true;
}

function lacking(permission: PlacedPermission, denied: readonly Verb[]): Finding | undefined {
  if (denied.length === 0) return undefined;
  return lackOf({ ...permission, verbs: denied });
}

/** What may not be looked at, a sentence for each purpose. */
export function looksAreAllowed({ unread, target: { namespace } }: Scene): readonly Finding[] {
  const byPurpose = new Map<string, PlacedPermission[]>();
  for (const look of unread) byPurpose.set(look.why, [...(byPurpose.get(look.why) ?? []), { ...look, namespace }]);
  return [...byPurpose.values()].flatMap(([first, ...others]) =>
    first ? [unseen([first, ...others].map(({ resource }) => resource).join(", "), lackOf(first, others))] : [],
  );
}

/** … and elsewhere: who lacks the ClusterRole has decided so. */
export function looksElsewhereAreAllowed({ unreadElsewhere }: Scene): readonly Finding[] {
  if (unreadElsewhere.length === 0) return [];
  return [
    unseen(
      unreadElsewhere.join(" and "),
      note(
        `${unreadElsewhere.join(" and ")} may not be listed, so it is not known whether something there is for one version only, or keeps callers from seeing the route.`,
        "The release goes on. To have it looked at, give the job the ClusterRole of docs/rbac.yaml.",
      ),
    ),
  ];
}

/** `others` are for the same, in the same namespace. */
function lackOf(first: PlacedPermission, others: readonly PlacedPermission[] = []): Finding {
  const { namespace, verbs, why, optional } = first;
  const all = [first, ...others];
  const names = all.map(({ group, resource }) => (group === "" ? resource : `${resource}.${group}`)).join(", ");
  const what = `This job may not ${verbs.join(", ")} ${names} in namespace ${namespace}, which is needed to ${why}.`;
  const rules = all.map(ruleText).join(" and ");
  return optional
    ? warn(what, `The release goes on without. To have it, add ${rules} to the job's Role in ${namespace}.`)
    : refuse(what, `Add ${rules} to the job's Role in ${namespace}; docs/rbac.yaml has them all.`);
}
