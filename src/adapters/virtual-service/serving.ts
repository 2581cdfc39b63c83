import type { Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import { istioVersion, virtualServicesOf } from "./api.ts";
import { type Role, versionsIn } from "./role.ts";
import { rulesOf, trafficOf } from "./rule.ts";

/**
 * The one version that has all the traffic of both, on every VirtualService of the target; undefined while both have some, or none has.
 * Also where they may not be read: the preflight names the permission that is missing.
 */
export async function soleServer(client: KubernetesClient, target: Target): Promise<Role | undefined> {
  const resource = virtualServicesOf(await istioVersion(client));
  const objects = await Promise.all(
    target.routes.map(({ namespace, name }) => unlessForbidden(client.get(resource, namespace, name))),
  );
  const serving = objects.flatMap((object, index) => {
    const { namespace = target.namespace, routes = [] } = target.routes[index] ?? {};
    const versions = versionsIn(namespace, target);
    const chosen = object
      ? rulesOf(object).filter(
          ({ name, index }) => routes.length === 0 || routes.includes(name ?? "") || routes.includes(`#${index}`),
        )
      : [];
    return chosen.flatMap(({ entries }) =>
      entries.filter((entry) => trafficOf(entry, entries) > 0).map((entry) => versions.roleOf(entry)),
    );
  });
  const roles = new Set(serving.filter((role) => role !== undefined));
  return roles.size === 1 ? [...roles][0] : undefined;
}

async function unlessForbidden<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 403) return undefined;
    throw error;
  }
}
