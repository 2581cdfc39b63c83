import { trafficOf } from "../../istio/destination.ts";
import type { Role, Target } from "../../release/target.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import { destinationRoles } from "./destination-roles.ts";
import type { IstioApi } from "./istio-api.ts";
import { choicesOf, chosenRules, movableRules } from "./movable-rule.ts";

/**
 * The versions that get requests by the VirtualServices of the target, as often as a destination says so. None where
 * they may not be read: the preflight names the permission that is missing.
 */
export async function servingRoles({ client, virtualServices }: IstioApi, target: Target): Promise<readonly Role[]> {
  const { roleOf } = destinationRoles(target);
  const serving = choicesOf(target).map(async (choice) => {
    const object = await unlessForbidden(client.get(virtualServices, choice.namespace, choice.name));
    const rules = object ? chosenRules(movableRules(object), choice) : [];
    return rules.flatMap(({ destinations }) =>
      destinations.filter((one) => trafficOf(one, destinations) > 0).flatMap((one) => roleOf(one) ?? []),
    );
  });
  return (await Promise.all(serving)).flat();
}
