import type { Role, Target } from "../../release/target.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import { destinationRoles, servedBy } from "./destination-roles.ts";
import { choicesOf, chosenRules } from "./movable-rule.ts";
import type { RouteStore } from "./read-routes.ts";

/**
 * The versions that get requests by the objects of a kind that the target names, as often as a destination says so. None where
 * they may not be read: the preflight names the permission that is missing.
 */
export async function servingRoles({ client, resource, shape }: RouteStore, target: Target): Promise<readonly Role[]> {
  const versions = destinationRoles(shape, target);
  const serving = choicesOf(shape, target).map(async (choice) => {
    const object = await unlessForbidden(client.get(resource, choice.namespace, choice.name));
    const rules = object ? chosenRules(shape.rulesOf(object), choice, versions) : [];
    return rules.flatMap((rule) => servedBy(rule, versions));
  });
  return (await Promise.all(serving)).flat();
}
