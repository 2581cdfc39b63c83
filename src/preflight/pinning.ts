import { covers, type NamespacedName, nameFrom, sameHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import type { Deployment } from "../kubernetes/deployment.ts";
import { carries } from "../kubernetes/selector.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { isFollowed, type RouteFact } from "../ports/route-family.ts";
import { kindsAmong } from "../release/route-kind.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import { listed } from "./finding.ts";
import { canaryPodsAtFirst, plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

/** Stable by a subset, among pods of which the canary's are some. */
type SharedService = {
  readonly host: string;
  readonly subset: string;
  readonly stable: Deployment;
  /** The canary's pods now. */
  readonly canaryPods: number;
  /** … and before its first traffic. */
  readonly podsAtFirst: number;
};

/**
 * With subsets the canary's pods are behind stable's Service, too: as soon as they are ready, whoever is not sent to
 * stable's subset by a route sends them their part of the requests.
 */
export function stableIsPinned(scene: Scene): readonly Finding[] {
  const shared = sharedService(scene);
  if (!shared || shared.stable.rollout.desired === 0) return []; // of a version without pods its health is told
  const toService = scene.routes.filter(({ destinations }) =>
    destinations.some(({ host }) => sameHost(host, scene.hosts.stable)),
  );
  const pins = toService.filter((fact) => isFollowed(fact) && sendsTo(fact, scene, shared.subset));
  if (pins.length === 0) return toService.some((fact) => pinsOthers(fact, scene)) ? [] : [unpinned(shared, scene)];
  const open = toService.filter((fact) => fact.isChosen && sendsTo(fact, scene, undefined));
  const findings = open.map((fact) => unpinnedRule(fact, shared));
  if (!isForMesh(scene)) findings.push(unpinnedInMesh(pins, shared, scene));
  return findings;
}

function sharedService(scene: Scene): SharedService | undefined {
  const { target, stable, planned, canary, services, hosts } = scene;
  const { host, subset } = target.stable;
  const future = plannedDeployment(planned);
  if (subset === undefined || !stable || !future) return undefined;
  const service = serviceBehind(services, hosts.stable);
  const selector = service && selectorOfService(service);
  if (!selector || !carries(future.podLabels, selector)) return undefined;
  const canaryPods = canary?.rollout.available ?? 0;
  return { host, subset, stable, canaryPods, podsAtFirst: canaryPodsAtFirst(scene) };
}

/** A mirror keeps no request from anywhere. */
const sendsTo = ({ destinations }: RouteFact, { hosts }: Scene, subset: string | undefined): boolean =>
  destinations.some((one) => !one.mirror && one.subset === subset && sameHost(one.host, hosts.stable));

/** All of its requests go to subsets, none of which is the canary's: that stable's is none of them is told by the route. */
const pinsOthers = (fact: RouteFact, { hosts, target }: Scene): boolean =>
  isFollowed(fact) &&
  fact.destinations
    .filter(({ mirror, share }) => !mirror && share > 0)
    .every(
      ({ host, subset }) => subset !== undefined && subset !== target.canary.subset && sameHost(host, hosts.stable),
    );

const isForMesh = ({ routes, hosts }: Scene): boolean =>
  routes.some(({ seenBy }) =>
    seenBy.some((viewer) => viewer.who === "mesh" && viewer.hosts.some((host) => covers(host, hosts.stable))),
  );

/** `1 of 3`, in percent: what a Service gives some of its pods. */
export const share = (pods: number, others: number): string => `about ${Math.round((100 * pods) / (pods + others))}%`;

function unpinned({ host, subset, stable, canaryPods, podsAtFirst }: SharedService, { target }: Scene): Finding {
  const kinds = kindsAmong(target.routes);
  const none = kinds.map((kind) => routeKindWords[kind].nonePins(host, subset)).join("; ");
  const what = `${none}, and the Service selects the canary's pods, too`;
  const next = kinds.map((kind) => routeKindWords[kind].toPin(host, subset)).join(" Or: ");
  const { available } = stable.rollout;
  return canaryPods > 0
    ? warn(`${what}: they get ${share(canaryPods, available)} of the requests already, whatever the weights say.`, next)
    : refuse(
        `${what}: they would get ${share(podsAtFirst, available)} of the requests at once, before the first stage.`,
        next,
      );
}

/** Of the release's own routes; the others are their rivals and told of there. */
const unpinnedRule = ({ where }: RouteFact, { host, subset }: SharedService): Finding =>
  warn(
    `${where} sends to ${host} without a subset, so to the canary's pods, too, whatever the weights say.`,
    `Give its destination subset ${subset}.`,
  );

/** `reviews`, or `web/reviews` where it is in another namespace. */
const placeFrom = (here: string, { namespace, name }: NamespacedName): string =>
  namespace === here ? name : `${namespace}/${name}`;

/** `Only gateways follow VirtualService reviews`, or for which other hosts the mesh does. */
function followers(pins: readonly RouteFact[], names: string, namespace: string): string {
  const hosts = pins
    .flatMap(({ seenBy }) => seenBy)
    .flatMap((viewer) => (viewer.who === "mesh" ? viewer.hosts.map((host) => nameFrom(namespace, host)) : []));
  if (hosts.length === 0) return `Only gateways follow ${names}`;
  return `In the mesh ${names} is for ${listed([...new Set(hosts)])} only`;
}

function unpinnedInMesh(
  pins: readonly RouteFact[],
  { host, subset, stable, podsAtFirst: count }: SharedService,
  { hosts, target: { namespace } }: Scene,
): Finding {
  const kinds = kindsAmong(pins.map(({ route }) => route));
  const names = kinds.map((kind) => {
    const ofKind = pins.filter(({ route }) => route.kind === kind).map(({ route }) => placeFrom(namespace, route));
    return `${kind} ${listed([...new Set(ofKind)])}`;
  });
  const { available } = stable.rollout;
  const elsewhere = pins.map(({ route }) => route.namespace).find((one) => one !== namespace);
  const name = elsewhere === undefined ? host : nameFrom(elsewhere, hosts.stable);
  return warn(
    `${followers(pins, names.join(" and "), namespace)}: clients in the mesh that call ${host} directly reach the canary's pods, too (${share(count, available)} of their requests with ${count} beside ${available}), whatever the weights say.`,
    kinds.map((kind) => routeKindWords[kind].toReachMesh(name, subset)).join(" Or: "),
  );
}
