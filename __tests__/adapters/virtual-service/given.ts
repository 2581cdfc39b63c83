import { applyPatch } from "rfc6902";
import type { KubernetesClient, PatchOperation } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import type { SubsetLabels } from "../../../src/adapters/virtual-service/subset-need.ts";
import { virtualServiceFamily } from "../../../src/adapters/virtual-service/virtual-service-family.ts";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import type { ObjectBefore } from "../../../src/adapters/weighted-rules/before.ts";
import { objectBeforeOf } from "../../../src/adapters/weighted-rules/before-of.ts";
import { patchOf } from "../../../src/adapters/weighted-rules/patch.ts";
import { planMoves } from "../../../src/adapters/weighted-rules/plan-moves.ts";
import type { RouteRule } from "../../../src/istio/route-rule.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { Aim } from "../../../src/release/aim.ts";
import type { BesideWeights } from "../../../src/release/plan.ts";
import type { Target, Version } from "../../../src/release/target.ts";
import { allRoutes, type Routes } from "../../../src/routes/routes.ts";

/** The routes of VirtualServices, as compose makes them. */
export const routesOver = (client: KubernetesClient, labels: SubsetLabels = async () => undefined): Routes =>
  allRoutes([virtualServiceFamily({ client, clock: nodeClock, subsetLabels: () => labels })]);

type Destination = Pick<Version, "host" | "subset">;

export type Given = {
  readonly namespace?: string;
  readonly name?: string;
  readonly routes?: readonly string[];
  readonly stable: Destination;
  readonly canary: Destination;
};

/** A release in namespace `ns1` over one VirtualService, which is there, too, unless it is given another place. */
export const targetOf = ({ stable, canary, namespace = "ns1", name = "app", routes = [] }: Given): Target => ({
  namespace: "ns1",
  service: "app",
  stable: { deployment: "app-v1", ...stable },
  canary: { deployment: "app-v2", ...canary },
  routes: [{ kind: "VirtualService", namespace, name, routes }],
  source: { from: "existing" },
  replicas: { kind: "keep" },
});

export const virtualService = (
  spec: unknown,
  { namespace = "ns1", name = "app" }: Partial<Given> = {},
): KubernetesObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace },
  spec,
});

export function beforeWith(
  { metadata: { namespace = "", name } }: KubernetesObject,
  rules: readonly RouteRule[],
  plan: BesideWeights = {},
): ObjectBefore {
  return objectBeforeOf(shape, { choice: { kind: "VirtualService", namespace, name, routes: [] }, rules }, plan);
}

/** What a JSON Patch makes of an object, by another's implementation of RFC 6902. Throws when a test of the patch fails. */
export function patched(object: KubernetesObject, patch: readonly PatchOperation[]): KubernetesObject {
  const copy = structuredClone(object);
  const errors = applyPatch(copy, structuredClone(patch) as Parameters<typeof applyPatch>[1]).filter(
    (error) => error !== null,
  );
  if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join("; "));
  return copy;
}

export const patchTo = (
  object: KubernetesObject,
  before: ObjectBefore,
  target: Target,
  aim: Aim,
): readonly PatchOperation[] => patchOf(planMoves(shape, object, before, target, aim));
