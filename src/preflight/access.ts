import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { field } from "../kubernetes/field.ts";
import { resources } from "../kubernetes/object.ts";
import type { Finding } from "../ports/preflight.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { refuse, warn } from "./finding.ts";
import { type Permission, permissionsFor, type Verb } from "./permissions.ts";

type Asked = Permission & { readonly namespace: string };

/** Asks the API server about every verb that will be used, before the first one is. */
export async function inspectAccess(client: KubernetesClient, target: Target, plan: Plan): Promise<readonly Finding[]> {
  try {
    const asked = permissionsFor(target, plan);
    const denied = await Promise.all(asked.map((permission) => deniedVerbs(client, permission)));
    return asked.flatMap((permission, index) => lacking(permission, denied[index] ?? []));
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

async function deniedVerbs(client: KubernetesClient, { verbs, ...permission }: Asked): Promise<readonly Verb[]> {
  const allowed = await Promise.all(verbs.map((verb) => mayDo(client, permission, verb)));
  return verbs.filter((_, index) => !allowed[index]);
}

async function mayDo(
  client: KubernetesClient,
  { group, resource: path, namespace }: Omit<Asked, "verbs">,
  verb: Verb,
): Promise<boolean> {
  const [resource = "", subresource] = path.split("/");
  // A namespace is its own namespace, for a Role as for this question; the name stands there, too.
  const name = resource === "namespaces" ? { name: namespace } : {};
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: {
        verb,
        group,
        resource,
        namespace,
        ...name,
        ...(subresource === undefined ? {} : { subresource }),
      },
    },
  };
  return (
    field(await client.create(resources.selfSubjectAccessReviews, undefined, review), "status", "allowed") === true
  );
}

function lacking({ group, resource, namespace, why, optional }: Asked, denied: readonly Verb[]): readonly Finding[] {
  if (denied.length === 0) return [];
  const name = group === "" ? resource : `${resource}.${group}`;
  const what = `This job may not ${denied.join(", ")} ${name} in namespace ${namespace}, which is needed to ${why}.`;
  const rule = `{apiGroups: [${JSON.stringify(group)}], resources: [${resource}], verbs: [${denied.join(", ")}]}`;
  return [
    optional
      ? warn(what, `The release goes on without. To have it, add ${rule} to the job's Role in ${namespace}.`)
      : refuse(what, `Add ${rule} to the job's Role in ${namespace}; docs/rbac.yaml has them all.`),
  ];
}
