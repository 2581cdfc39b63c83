import { type Host, readHost } from "../../istio/host.ts";
import { serviceBehind } from "../../istio/service.ts";
import { rulesOf } from "../../istio/virtual-service.ts";
import { waypointOf } from "../../istio/waypoint.ts";
import { listAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Finding } from "../../ports/preflight.ts";
import { type Aim, aimAt } from "../../release/aim.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { listEverywhere } from "../kubernetes/list-everywhere.ts";
import { unlessDenied } from "../kubernetes/unless-forbidden.ts";
import { afterMoves } from "../weighted-rules/after-moves.ts";
import { objectBeforeOf } from "../weighted-rules/before-of.ts";
import { planMoves } from "../weighted-rules/plan-moves.ts";
import type { ChosenRoutes } from "../weighted-rules/read-routes.ts";
import type { IstioApi } from "./istio-api.ts";
import { type KnownObjects, type MeshAround, meshFindings } from "./mesh-rules.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";

/** Istio's own rules, over the routes as each write of the release will leave them. */
export async function inspectMesh(
  api: IstioApi,
  chosen: readonly ChosenRoutes[],
  destinationRules: KnownObjects,
  target: Target,
  plan: Plan,
): Promise<readonly Finding[]> {
  const movable = chosen.filter(({ problems }) => problems.length === 0);
  const [services, entries, waypoint] = await Promise.all([
    readServices(api, movable, target),
    readEntries(api, target),
    readWaypointName(api, target),
  ]);
  const around = { target, services, destinationRules, entries, waypoint };
  return movable.flatMap((one) => meshFindings(statesOf(one, target, plan), aroundOf(one, around)));
}

const aroundOf = ({ rules }: ChosenRoutes, around: Omit<MeshAround, "moved">): MeshAround => ({
  ...around,
  moved: rules.map(({ place }) => place),
});

/** How an object is, and how it will be after each write. */
function statesOf(chosen: ChosenRoutes, target: Target, plan: Plan): readonly KubernetesObject[] {
  const before = objectBeforeOf(shape, chosen);
  const after = (aim: Aim): KubernetesObject =>
    afterMoves(chosen.object, planMoves(shape, chosen.object, before, target, aim).moves);
  return [chosen.object, ...aimsOf(plan).map(after)];
}

const aimsOf = ({ stages, promotion }: Plan): readonly Aim[] => {
  const splits = stages.map(({ weight }) => aimAt(weight));
  if (promotion === "swap") return [...splits, { to: "swapped" }];
  return splits;
};

/** Those of every namespace to which the routes send. */
async function readServices(
  { client }: IstioApi,
  chosen: readonly ChosenRoutes[],
  { namespace }: Target,
): Promise<KnownObjects> {
  const hosts = chosen
    .flatMap(({ object }) => rulesOf(object))
    .flatMap(({ destinations, mirrors }) => [...destinations, ...mirrors])
    .flatMap(({ host }) => host.service?.namespace ?? []);
  const namespaces = [...new Set([namespace, ...hosts])];
  const lists = await Promise.all(
    namespaces.map((one) => unlessDenied(client.list(resources.services, one), undefined)),
  );
  const read = namespaces.filter((_, at) => lists[at] !== undefined);
  return { objects: lists.flatMap((list) => list ?? []), isUnread: (one) => !read.includes(one) };
}

/** Only where those of all namespaces are known a host can be nobody's. */
async function readEntries({ client, version }: IstioApi, { namespace }: Target): Promise<readonly Host[] | undefined> {
  const reading = listEverywhere(client, { ...resources.serviceEntries, version }, [namespace]);
  const found = await unlessDenied(reading, { objects: [], unread: [] });
  if (found.unread.length > 0) return undefined;
  return found.objects.flatMap((entry) =>
    listAt(entry, "spec", "hosts").map((host) => readHost(String(host), entry.metadata.namespace ?? "")),
  );
}

async function readWaypointName({ client }: IstioApi, target: Target): Promise<string | undefined> {
  const [services, namespace] = await Promise.all([
    unlessDenied(client.list(resources.services, target.namespace), []),
    unlessDenied(client.get(resources.namespaces, undefined, target.namespace), undefined),
  ]);
  const service = serviceBehind(services, readHost(target.stable.host, target.namespace));
  const waypoint = waypointOf(service, namespace, target.namespace);
  return waypoint && `${waypoint.namespace}/${waypoint.name}`;
}
