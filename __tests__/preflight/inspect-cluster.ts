import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { virtualServiceFamily } from "../../src/adapters/virtual-service/virtual-service-family.ts";
import type { Answerer, Uncounted } from "../../src/ports/metrics.ts";
import type { Finding, Preflight } from "../../src/ports/preflight.ts";
import type { RouteFamily } from "../../src/ports/route-family.ts";
import { releasePreflight } from "../../src/preflight/release-preflight.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { Target } from "../../src/release/target.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import { planOf } from "../support/world.ts";

type Question = {
  readonly target: Target;
  readonly plan?: Plan;
  readonly firstDeploy?: boolean;
  readonly undo?: boolean;
  readonly exchanged?: boolean;
  readonly others?: readonly Preflight[];
  readonly answerers?: readonly Answerer[] | Uncounted;
};

/** What the preflight itself finds: routes are surveyed, and nothing of a family's own is told. */
export function inspectCluster(
  client: KubernetesClient,
  {
    target,
    plan = planOf(),
    firstDeploy = false,
    undo = false,
    exchanged = false,
    others = [],
    answerers = [],
  }: Question,
): Promise<readonly Finding[]> {
  const routes = allRoutes([surveyOnly(client)]);
  const parts = {
    client,
    routes,
    target,
    plan,
    firstDeploy,
    undo,
    exchanged,
    others,
    answerers: async () => answerers,
  };
  return releasePreflight(parts).inspect();
}

function surveyOnly(client: KubernetesClient): RouteFamily {
  const family = virtualServiceFamily({ client, clock: nodeClock, subsetLabels: () => async () => undefined });
  return { ...family, look: (target) => ({ ...family.look(target), inspect: async () => [] }) };
}

/** … and what the families of routes find, too. */
export function inspectWithRoutes(client: KubernetesClient, target: Target, plan: Plan): Promise<readonly Finding[]> {
  const routes = allRoutes([
    virtualServiceFamily({ client, clock: nodeClock, subsetLabels: () => async () => undefined }),
  ]);
  const [no, others] = [{ firstDeploy: false, undo: false, exchanged: false }, []];
  return releasePreflight({ client, routes, target, plan, ...no, others, answerers: async () => [] }).inspect();
}
