import type { RouteFamily } from "../../ports/route-family.ts";
import type { Unserved } from "../../release/observation.ts";
import type { Role, Target } from "../../release/target.ts";
import type { Clock } from "../../world/clock.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { touch } from "../kubernetes/touch.ts";
import { givenBack } from "../weighted-rules/given-back.ts";
import { movedRoute } from "../weighted-rules/moved-route.ts";
import { servingRoles } from "../weighted-rules/serving-roles.ts";
import { parseRoutesBefore } from "./before.ts";
import { captureRoutes } from "./capture-routes.ts";
import { inspectRoutes } from "./inspect-routes.ts";
import { istioApi, offeredApi, virtualServicesIn } from "./istio-api.ts";
import { ownSubsets } from "./own-subsets.ts";
import { routePermissions } from "./route-permissions.ts";
import type { SubsetLabels } from "./subset-need.ts";
import { findVirtualServices, surveyEverywhere, surveyRoutes } from "./survey-routes.ts";
import { unserved } from "./unserved.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";

export type VirtualServiceOptions = {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** Asked only when a subset is missing and the target does not say the labels itself. */
  readonly subsetLabels: (target: Target) => SubsetLabels;
};

/** Moves the weights of the user's own VirtualServices, and adds a subset to them where one is missing. */
export const virtualServiceFamily = ({ client, clock, subsetLabels }: VirtualServiceOptions): RouteFamily => ({
  kind: "VirtualService",
  permissions: routePermissions,
  serving: async (target) => servingRoles(virtualServicesIn(await offeredApi(client)), target),
  find: (target) => findVirtualServices(client, target),
  look: (target) => ({
    survey: () => surveyRoutes(client, target),
    everywhere: () => surveyEverywhere(client, target),
    inspect: (plan) => inspectRoutes(client, target, plan, subsetLabels(target)),
  }),
  capture: async (target, plan) => captureRoutes(await offeredApi(client), target, plan),
  captureGivenBack: async (target) => captureRoutes(await offeredApi(client), target, {}, givenBack(shape, target)),
  moved(target, stored, fence) {
    const before = parseRoutesBefore(stored);
    const api = istioApi(client, before.version);
    const missing = before.missingSubsets;
    const subsets = ownSubsets({ api, clock, fence, target, missing, labelsOf: subsetLabels(target) });
    const { virtualServices } = before;
    const unservedOf = async (among: readonly Role[]): Promise<Unserved> =>
      before.served ? unserved(api, target, among) : {};
    return {
      routes: virtualServices.map((one) =>
        movedRoute({ store: virtualServicesIn(api), clock, pair: target, before: one, fence }),
      ),
      prepare: subsets.add,
      // After a swap the routes name the canary's subset, so it has to stay.
      cleanUp: async (winner) => (winner === "stable" ? subsets.remove() : undefined),
      async fence() {
        const touched = virtualServices.map((one) => touch(client, api.virtualServices, one.namespace, one.name));
        await Promise.all([...touched, subsets.fence()]);
      },
      unserved: unservedOf,
      async differences(winner) {
        const { [winner]: because } = await unservedOf([winner]);
        const others = await subsets.differences(winner);
        if (because === undefined || others.includes(because)) return others;
        return [because, ...others];
      },
    };
  },
});
