import type { Permission } from "../../ports/permission.ts";
import { kindsAmong } from "../../release/route-kind.ts";
import { ownRuleName } from "./own-rule.ts";

const kind = "VirtualService";
const group = "networking.istio.io";

/** What moving VirtualServices needs. */
export const routePermissions: readonly Permission[] = [
  {
    group,
    resource: "virtualservices",
    verbs: ["get", "list", "patch"],
    names: ({ routes }, namespace) =>
      routes.filter((route) => route.kind === kind && route.namespace === namespace).map(({ name }) => name),
    why: "read the routes and move their weights",
    when: ({ routes }) => kindsAmong(routes).includes(kind),
    ofRoutes: true,
  },
  { group, resource: "destinationrules", verbs: ["list"], why: "know the subsets" },
  {
    group,
    resource: "destinationrules",
    verbs: ["get", "create", "patch", "delete"],
    names: ({ service }) => [ownRuleName(service)],
    why: "add the canary's subset where it is missing, and take it away again",
    optional: true,
    when: ({ canary }) => canary.subset !== undefined,
  },
];
