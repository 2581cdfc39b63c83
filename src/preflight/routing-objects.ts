import { trafficOf } from "../istio/destination.ts";
import { gatewayNamed } from "../istio/gateway.ts";
import { gatewayGroup, gatewayRulesOf } from "../istio/gateway-route.ts";
import { covers, type Host, isNamed, readHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { gatewaysOf, hostsOf, isForMesh, rulesOf } from "../istio/virtual-service.ts";
import { listAt, objectAt, textAt, textsAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries, type Labels } from "../kubernetes/selector.ts";
import type { UserObject } from "../kubernetes/user-object.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import type { RouteFact, Viewer } from "../ports/route-family.ts";
import { listed } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";
import { withManifests } from "./with-manifests.ts";

/** Kinds by which a request finds its version, as far as they name its host. */
const routing: Readonly<Record<string, RegExp>> = {
  "networking.istio.io": /^(VirtualService|DestinationRule|ServiceEntry)$/,
  [gatewayGroup]: /Route$/,
};

/** Whether an object says where requests of the release go, and how that is told. */
export function routesRequests(scene: Scene, manifest: UserObject): Finding | undefined {
  const { resource, object, name } = manifest;
  if (!routing[resource.group]?.test(resource.kind)) return undefined;
  const { namespace } = scene.target;
  const metadata = { ...objectAt(object, "metadata"), name, namespace };
  const route = { ...object, apiVersion: "", kind: resource.kind, metadata };
  if (isOfRelease(scene, manifest)) return decides(route, "");
  if (resource.kind === "DestinationRule") return undefined;
  const rival = rivalOf(scene, route);
  if (rival) return decides(route, ` (it is for the same hosts as ${rival.where})`);
  return leadsToCanary(scene, route);
}

const decides = (route: KubernetesObject, how: string): Finding =>
  refuse(
    `The manifest of ${placeWord(route)} decides where requests of this release go${how}: applied, it would move them at once.`,
    "Take it out of the manifests; the release moves the weights of what is there.",
  );

/** It is the route that the release moves, or one for the same hosts. */
function isOfRelease({ target, hosts }: Scene, { resource: { kind }, name, object }: UserObject): boolean {
  const { namespace } = target;
  if (target.routes.some((route) => route.kind === kind && route.name === name && route.namespace === namespace))
    return true;
  return hostsIn(object.spec, namespace).some((host) => Object.values(hosts).some((ours) => covers(host, ours)));
}

/** A live rule of the release, or to one of its versions, some of whose requests the manifest would take. */
const rivalOf = (scene: Scene, route: KubernetesObject): RouteFact | undefined =>
  route.kind !== "VirtualService"
    ? undefined
    : scene.routes.find(
        (fact) =>
          (fact.isChosen || fact.destinations.some(({ host }) => isOurs(scene, host))) &&
          fact.seenBy.some((viewer) => takesFrom(route, viewer)),
      );

const isOurs = ({ hosts }: Scene, host: Host): boolean => Object.values(hosts).some((ours) => covers(ours, host));

function takesFrom(route: KubernetesObject, { who, hosts }: Viewer): boolean {
  const follows =
    who === "mesh"
      ? isForMesh(route)
      : gatewaysOf(route).some((gateway) => isNamed(gatewayNamed(gateway, route.metadata.namespace ?? ""), who));
  // Where it names no hosts, another one hands it requests.
  const own = hostsOf(route);
  if (own.length === 0) return true;
  return follows && own.some((one) => hosts.some((host) => covers(one, host) || covers(host, one)));
}

/** By a host of its own: whoever calls that is no part of what the release weighs. */
function leadsToCanary(scene: Scene, route: KubernetesObject): Finding | undefined {
  const canary = plannedDeployment(scene.planned);
  const services = withManifests(scene.services, { group: "", kind: "Service" }, scene.target);
  const reached = (selected: Labels): boolean =>
    canary !== undefined && Object.keys(selected).length > 0 && carries(canary.podLabels, selected);
  const behind = sentTo(route).flatMap((host) => serviceBehind(services, host) ?? []);
  const service = behind.find((one) => reached(selectorOfService(one) ?? {}));
  const chosen = textsAt(route, "spec", "workloadSelector", "labels");
  if (!service && !reached(chosen)) return undefined;
  const by = service ? ` by ${placeWord(service)}` : "";
  const names = listAt(route, "spec", route.kind.endsWith("Route") ? "hostnames" : "hosts").map(String);
  const what = names.length > 0 ? `requests for ${listed(names)}` : "requests";
  return warn(
    `The manifest of ${placeWord(route)} sends ${what} to the canary's pods${by}, whatever the weights say, and before the first stage.`,
    "If those are customers' requests, take it out of the manifests until the release is over.",
  );
}

function sentTo(route: KubernetesObject): readonly Host[] {
  const ofMesh = rulesOf(route).flatMap(({ destinations, mirrors }) => [
    ...destinations.filter((one) => trafficOf(one, destinations) > 0),
    ...mirrors,
  ]);
  const ofGateways = gatewayRulesOf(route).flatMap(({ destinations }) => destinations.filter(({ share }) => share > 0));
  return [...ofMesh, ...ofGateways].map(({ host }) => host);
}

/** Every host that stands anywhere below: of destinations and mirrors, of rules, and of references to Services. */
function hostsIn(value: unknown, namespace: string): readonly Host[] {
  if (Array.isArray(value)) return value.flatMap((item) => hostsIn(item, namespace));
  if (typeof value !== "object" || value === null) return [];
  const named = [textAt(value, "host"), ...listAt(value, "hosts"), ...listAt(value, "hostnames")];
  const referred = ["backendRefs", "parentRefs"]
    .flatMap((list) => listAt(value, list))
    .filter((reference) => (textAt(reference, "kind") ?? "Service") === "Service")
    .map((reference) => `${textAt(reference, "name")}.${textAt(reference, "namespace") ?? namespace}`);
  return [
    ...[...named, ...referred].filter((text) => typeof text === "string").map((text) => readHost(text, namespace)),
    ...Object.values(objectAt({ value }, "value")).flatMap((inner) => hostsIn(inner, namespace)),
  ];
}
