import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { field } from "../kubernetes/field.ts";
import { resources } from "../kubernetes/object.ts";
import type { Verb } from "../ports/permission.ts";
import type { Finding } from "../ports/preflight.ts";
import { refuse, warn } from "./finding.ts";
import type { PlacedPermission } from "./needed-permissions.ts";

/** Asks the API server about every verb that will be used, before the first one is. */
export async function inspectAccess(
  client: KubernetesClient,
  permissions: readonly PlacedPermission[],
): Promise<readonly Finding[]> {
  try {
    const denied = await Promise.all(permissions.map((permission) => deniedVerbs(client, permission)));
    return permissions.flatMap((permission, index) => lacking(permission, denied[index] ?? []) ?? []);
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

async function mayDo(
  client: KubernetesClient,
  { group, resource: path, namespace }: PlacedPermission,
  verb: Verb,
): Promise<boolean> {
  const [resource = "", subresource] = path.split("/");
  // A namespace is its own namespace, for a Role as for this question; the name stands there, too.
  const name = resource === "namespaces" ? namespace : undefined;
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
  const { group, resource, namespace, why, optional } = permission;
  const name = group === "" ? resource : `${resource}.${group}`;
  const what = `This job may not ${denied.join(", ")} ${name} in namespace ${namespace}, which is needed to ${why}.`;
  const rule = `{apiGroups: [${JSON.stringify(group)}], resources: [${resource}], verbs: [${denied.join(", ")}]}`;
  return optional
    ? warn(what, `The release goes on without. To have it, add ${rule} to the job's Role in ${namespace}.`)
    : refuse(what, `Add ${rule} to the job's Role in ${namespace}; docs/rbac.yaml has them all.`);
}
