import { gatewayGroup } from "../../istio/gateway-route.ts";
import { resourceOf } from "../../kubernetes/resource-of.ts";
import type { Permission } from "../../ports/permission.ts";
import type { RouteKind } from "../../release/route-kind.ts";

/** What moving routes of the Gateway API needs. */
export const gatewayPermissions = (kind: RouteKind): readonly Permission[] => [
  {
    group: gatewayGroup,
    resource: resourceOf(`${gatewayGroup}/v1`, kind).plural,
    verbs: ["get", "list", "patch"],
    names: ({ routes }, namespace) =>
      routes.filter((route) => route.kind === kind && route.namespace === namespace).map(({ name }) => name),
    why: `read the ${kind}s and move their weights`,
    when: ({ routes }) => routes.some((route) => route.kind === kind),
    ofRoutes: true,
  },
];
