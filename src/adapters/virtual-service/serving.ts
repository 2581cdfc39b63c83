import { trafficOf } from "../../istio/destination.ts";
import type { Role, Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { istioVersion, virtualServicesOf } from "./api.ts";
import { destinationRoles } from "./destination-roles.ts";
import { chosenRules, movableRules } from "./movable-rule.ts";

/**
 * The one version that has all the traffic of both, on every VirtualService of the target; undefined while both have some, or none has.
 * Also where they may not be read: the preflight names the permission that is missing.
 */
export async function soleServer(client: KubernetesClient, target: Target): Promise<Role | undefined> {
  const resource = virtualServicesOf(await istioVersion(client));
  const { roleOf } = destinationRoles(target);
  const serving = await Promise.all(
    target.routes.map(async (choice) => {
      const object = await unlessForbidden(client.get(resource, choice.namespace, choice.name));
      const rules = object ? chosenRules(movableRules(object), choice) : [];
      return rules.flatMap(({ destinations }) =>
        destinations.filter((one) => trafficOf(one, destinations) > 0).flatMap((one) => roleOf(one) ?? []),
      );
    }),
  );
  const [role, ...more] = new Set(serving.flat());
  return more.length === 0 ? role : undefined;
}

async function unlessForbidden<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 403) return undefined;
    throw error;
  }
}
