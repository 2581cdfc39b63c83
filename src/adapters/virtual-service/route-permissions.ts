import type { Permission } from "../../ports/permission.ts";

const group = "networking.istio.io";

/** What moving VirtualServices needs. */
export const routePermissions: readonly Permission[] = [
  {
    group,
    resource: "virtualservices",
    verbs: ["get", "list", "patch"],
    why: "read the routes and move their weights",
    ofRoutes: true,
  },
  { group, resource: "destinationrules", verbs: ["list"], why: "know the subsets" },
  {
    group,
    resource: "destinationrules",
    verbs: ["get", "create", "patch", "delete"],
    why: "add the canary's subset where it is missing, and take it away again",
    optional: true,
    when: ({ canary }) => canary.subset !== undefined,
  },
];
