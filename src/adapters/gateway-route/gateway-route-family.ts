import { gatewayGroup } from "../../istio/gateway-route.ts";
import { acceptanceOf } from "../../istio/route-parent.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { resourceOf } from "../../kubernetes/resource-of.ts";
import type { RouteFamily } from "../../ports/route-family.ts";
import type { Unserved } from "../../release/observation.ts";
import type { BesideWeights } from "../../release/plan.ts";
import type { RouteKind } from "../../release/route-kind.ts";
import type { Role, Target } from "../../release/target.ts";
import type { Clock } from "../../world/clock.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { touch } from "../kubernetes/touch.ts";
import { objectBeforeOf } from "../weighted-rules/before-of.ts";
import { givenBack } from "../weighted-rules/given-back.ts";
import { movedRoute } from "../weighted-rules/moved-route.ts";
import { assertMovable, type Revision, type RouteStore, readRoutes } from "../weighted-rules/read-routes.ts";
import { servingRoles } from "../weighted-rules/serving-roles.ts";
import { unservedAmong } from "../weighted-rules/unserved.ts";
import { type GatewayRoutesBefore, parseGatewayRoutesBefore } from "./before.ts";
import { followedBy } from "./followed.ts";
import { offeredKind } from "./gateway-api.ts";
import { gatewayPermissions } from "./gateway-permissions.ts";
import { gatewayShape } from "./gateway-shape.ts";
import { inspectGatewayRoutes, versionsAreServices } from "./inspect-gateway-routes.ts";
import { findGatewayRoutes, surveyGatewayRoutes, surveyGatewayRoutesEverywhere } from "./survey-gateway-routes.ts";

export type GatewayRouteOptions = { readonly client: KubernetesClient; readonly clock: Clock };

/** Moves the weights of the user's own routes of the Gateway API. */
export function gatewayRouteFamily(kind: RouteKind, { client, clock }: GatewayRouteOptions): RouteFamily {
  const shape = gatewayShape(kind);
  const offered = async (): Promise<RouteStore> => ({ client, shape, resource: await offeredKind(client, kind) });

  async function capture(target: Target, plan: BesideWeights = {}, as?: Revision): Promise<GatewayRoutesBefore> {
    const store = await offered();
    const [{ chosen, problems }, { stable: because }] = await Promise.all([
      readRoutes(store, target, as),
      unservedAmong(client, target, ["stable"]),
    ]);
    assertMovable([...versionsAreServices(shape, target), ...problems]);
    return {
      version: store.resource.version,
      routes: chosen.map((one) => objectBeforeOf(shape, one, plan)),
      served: because === undefined,
    };
  }

  return {
    kind,
    permissions: gatewayPermissions(kind),
    serving: async (target) => servingRoles(await offered(), target),
    find: (target) => findGatewayRoutes(client, shape, target),
    look: (target) => ({
      survey: () => surveyGatewayRoutes(client, shape, target),
      everywhere: () => surveyGatewayRoutesEverywhere(client, shape, target),
      inspect: (plan) => inspectGatewayRoutes(client, shape, target, plan),
    }),
    capture: (target, plan) => capture(target, plan),
    captureGivenBack: (target) => capture(target, {}, givenBack(shape, target)),
    moved(target, stored, fence) {
      const { version, routes, served } = parseGatewayRoutesBefore(stored);
      const resource = resourceOf(`${gatewayGroup}/${version}`, kind);
      const store = { client, shape, resource };
      const followed = followedBy(store, clock);
      const refused = (route: KubernetesObject): readonly string[] => acceptanceOf(route).refused;
      const unserved = async (among: readonly Role[]): Promise<Unserved> =>
        served ? unservedAmong(client, target, among) : {};
      return {
        routes: routes.map((before) => movedRoute({ store, clock, pair: target, before, fence, followed, refused })),
        // The mesh knows every Service: there is nothing to make known, and nothing to take away.
        prepare: async () => {},
        cleanUp: async () => {},
        async fence() {
          await Promise.all(routes.map(({ namespace, name }) => touch(client, resource, namespace, name)));
        },
        unserved,
        async differences(winner) {
          const { [winner]: because } = await unserved([winner]);
          if (because === undefined) return [];
          return [because];
        },
      };
    },
  };
}
