import { gatewayGroup } from "../istio/gateway-route.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { isForMesh, rulesOf } from "../istio/virtual-service.ts";
import { isAmbient, waypointOf } from "../istio/waypoint.ts";
import { withPodLabels } from "../kubernetes/deployment.ts";
import { withoutServerFields } from "../kubernetes/exported.ts";
import { listAt, objectAt } from "../kubernetes/field.ts";
import { groupOf, type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { chooseBackends, newEntry, newHttpRoute, routesForService, throughBackend } from "./backends.ts";
import { type Chosen, filesOfJob, imageOf } from "./files-of-job.ts";
import { type InitGround, inOwnNamespace, ofKind, type Wish } from "./ground.ts";
import type { InitNote, ObjectChange, Proposal, ProposedFile, Unready } from "./proposal.ts";
import { reachesPods, serviceHost } from "./reach.ts";
import { withProtocols } from "./service-ports.ts";
import { chooseSubsets } from "./subsets.ts";
import { chooseVersions, type InitVersions, otherWorkloads, type VersionRole } from "./versions.ts";
import {
  type Entry,
  newVirtualService,
  pinned,
  routedSubsets,
  routesByHost,
  routesToService,
  withEntry,
} from "./virtual-services.ts";

/** Everything by which the weights of a service can be moved, and what tells its versions apart. */
type RoutePart = {
  /** In the order of their files; what has no reason is good as it is. */
  readonly changes: readonly ObjectChange[];
  /** Those of them, or beside them, that a release moves. */
  readonly routes: readonly ObjectChange[];
  readonly stable: Omit<Chosen["stable"], "deployment">;
  readonly canary: Omit<Chosen["canary"], "deployment">;
};

/** What a service lacks for a first release. Pure: nothing is read here, and nothing written. */
export function propose(ground: InitGround, wish: Wish): Proposal | Unready {
  const service = serviceBehind(ofKind(ground, "Service"), serviceHost(ground));
  if (!service)
    return { kind: "no-service", services: inOwnNamespace(ground, "Service").map(({ metadata }) => metadata.name) };
  const selector = selectorOfService(service);
  if (selector === undefined || Object.keys(selector).length === 0) return { kind: "no-selector" };
  const versions = chooseVersions(ground, selector, wish);
  if ("kind" in versions) return versions;
  const ambient = isAmbient(versions.podLabels.stable, namespaceOf(ground));
  const via = viaOf(ground, familyFor(ground, wish, ambient));
  const obstacle = inTheWay(ground, versions, via);
  if (obstacle) return obstacle;
  const named = serviceChange(ground, service, ambient);
  const { routes, ...part } = via(ground, named?.object ?? service, versions, wish);
  const changes = given([named, ...waypointFor(ground, service, ambient), ...part.changes]).filter(isChanged);
  const { stable, canary, from, made } = versions;
  const chosen = {
    stable: { deployment: stable.deployment, ...part.stable },
    canary: { deployment: canary.deployment, ...part.canary },
    routes: routes.map(({ object }) => object),
    from,
    made,
    image: imageOf(ground, stable.deployment),
    ambient,
  };
  const releasable = routes.filter((route) => !isChanged(route)).map(({ object }) => object);
  return assembled(ground, { versions, changes, chosen, releasable, selector });
}

const isChanged = ({ whys }: ObjectChange): boolean => whys.length > 0;

type Parts = {
  readonly versions: InitVersions;
  readonly changes: readonly ObjectChange[];
  readonly chosen: Chosen;
  /** The routes that are good as they are. */
  readonly releasable: readonly KubernetesObject[];
  readonly selector: Readonly<Record<string, string>>;
};

function assembled(ground: InitGround, parts: Parts): Proposal {
  const { versions, changes, chosen } = parts;
  return {
    files: [
      ...changes.map((change) => fileOf(ground, change)),
      ...labelPatches(versions),
      ...filesOfJob(ground, chosen),
    ],
    image: chosen.image ?? "IMAGE",
    notes: notesOf(ground, parts),
    objects: applied(ground, changes, versions),
  };
}

/** How the routes are made, or found. */
type Via = typeof viaGatewayApi;

function viaOf(ground: InitGround, family: Wish["family"]): Via {
  if (family === "http-route") return viaGatewayApi;
  if (routesToService(ground).length === 0 && routesByHost(ground).length > 0) return viaHosts;
  return viaVirtualServices;
}

/** A route that is there, and beside which none can be made. */
function inTheWay(ground: InitGround, versions: InitVersions, via: Via): Unready | undefined {
  const byRoutes = via === viaGatewayApi;
  if (byRoutes && !ground.servesGatewayApi) return { kind: "no-gateway-api" };
  const classic = [...routesToService(ground), ...routesByHost(ground)].filter((object) => isForMesh(object));
  const others = byRoutes ? classic : routesForService(ground);
  if (others.length > 0) return { kind: "other-family", words: others.map(placeWord) };
  return via === viaHosts ? routedElsewhere(ground, versions) : undefined;
}

function routedElsewhere(ground: InitGround, { podLabels }: InitVersions): Unready | undefined {
  const [route] = routesByHost(ground);
  const destinations = route ? rulesOf(route).flatMap((rule) => rule.destinations) : [];
  if (!route || destinations.some((one) => reachesPods(ground, one, podLabels.stable))) return undefined;
  const hosts = [...new Set(destinations.map(({ host }) => host.text))];
  return { kind: "routed-elsewhere", word: placeWord(route), hosts };
}

/** What is there already decides; where nothing is, what the namespace is made for. */
function familyFor(ground: InitGround, { family }: Wish, ambient: boolean): Wish["family"] {
  if (family !== undefined) return family;
  if (routesToService(ground).length > 0 || routesByHost(ground).length > 0) return "virtual-service";
  if (routesForService(ground).length > 0) return "http-route";
  const uses = (kind: string): boolean => inOwnNamespace(ground, kind).length > 0;
  const isMadeForRoutes = !uses("VirtualService") && (uses("HTTPRoute") || ambient);
  return isMadeForRoutes && ground.servesGatewayApi ? "http-route" : "virtual-service";
}

const namespaceOf = (ground: InitGround): KubernetesObject | undefined =>
  ofKind(ground, "Namespace").find(({ metadata }) => metadata.name === ground.namespace);

const lacksWaypoint = (ground: InitGround, service: KubernetesObject, ambient: boolean): boolean =>
  ambient && waypointOf(service, namespaceOf(ground), ground.namespace) === undefined;

const waypointName = "waypoint";

/** The Service with a protocol for each port, and with a waypoint where nobody else would read weights. */
function serviceChange(ground: InitGround, service: KubernetesObject, ambient: boolean): ObjectChange | undefined {
  const named = withProtocols(service);
  if (!lacksWaypoint(ground, service, ambient)) return named;
  const object = named?.object ?? service;
  const labels = { ...object.metadata.labels, "istio.io/use-waypoint": waypointName };
  return {
    object: { ...object, metadata: { ...object.metadata, labels } },
    whys: [...(named?.whys ?? []), { kind: "waypoint", service: ground.service, isNew: false }],
  };
}

const given = <T>(all: readonly (T | undefined)[]): readonly T[] => all.filter((each) => each !== undefined);

function waypointFor(ground: InitGround, service: KubernetesObject, ambient: boolean): readonly ObjectChange[] {
  const isThere = inOwnNamespace(ground, "Gateway", gatewayGroup).some(
    ({ metadata }) => metadata.name === waypointName,
  );
  if (isThere || !lacksWaypoint(ground, service, ambient)) return [];
  const object = {
    apiVersion: `${gatewayGroup}/v1`,
    kind: "Gateway",
    metadata: {
      name: waypointName,
      namespace: ground.namespace,
      labels: { "istio.io/waypoint-for": "service" },
    },
    spec: { gatewayClassName: "istio-waypoint", listeners: [{ name: "mesh", port: 15008, protocol: "HBONE" }] },
  };
  return [{ object, whys: [{ kind: "waypoint", service: ground.service, isNew: true }] }];
}

/** A VirtualService that sends to a Service for each version; the canary's may be missing. */
function viaHosts(ground: InitGround, service: KubernetesObject, versions: InitVersions): RoutePart {
  const { names, made } = chooseBackends(ground, service, versions);
  return { changes: made, routes: routesByHost(ground).map(asItIs), ...byHosts(names) };
}

const asItIs = (object: KubernetesObject): ObjectChange => ({ object, whys: [] });

const byHosts = ({ stable, canary }: Readonly<Record<VersionRole, string>>) => ({
  stable: { host: stable },
  canary: { host: canary },
});

function viaVirtualServices(
  ground: InitGround,
  service: KubernetesObject,
  versions: InitVersions,
  { host }: Wish,
): RoutePart {
  const { names, change, canaryIsMade } = chooseSubsets(ground, versions, routedSubsets(ground));
  const there = routesToService(ground).map((object) => pinned(ground, object, names.stable) ?? asItIs(object));
  const [first = newVirtualService(ground, service, names), ...others] = there;
  const entry: Entry = host === undefined ? { route: first } : withEntry(ground, first, host);
  const routes = [entry.route, ...others];
  const labels = canaryIsMade ? { [versions.canary.key]: versions.canary.value } : undefined;
  return {
    changes: given([change, entry.gateway, ...routes]),
    routes,
    stable: { subset: names.stable },
    canary: { subset: names.canary, labels },
  };
}

function viaGatewayApi(
  ground: InitGround,
  service: KubernetesObject,
  versions: InitVersions,
  { host }: Wish,
): RoutePart {
  const { names, made } = chooseBackends(ground, service, versions);
  const there = routesForService(ground, names);
  const changed = there.map((object) => throughBackend(ground, object, names.stable) ?? asItIs(object));
  const isEntered = host === undefined || there.some((object) => hasHost(object, host));
  const entry = isEntered ? undefined : newEntry(ground, service, names, host);
  const own = changed.length > 0 ? changed : [newHttpRoute(ground, service, names)];
  const routes = given([...own, entry?.route]);
  return { changes: given([...made, ...routes, entry?.gateway, entry?.redirect]), routes, ...byHosts(names) };
}

const hasHost = (object: KubernetesObject, host: string): boolean => listAt(object, "spec", "hostnames").includes(host);

const fileNames: Readonly<Record<string, string>> = {
  DestinationRule: "destination-rule",
  VirtualService: "virtual-service",
  HTTPRoute: "http-route",
  GRPCRoute: "grpc-route",
  TLSRoute: "tls-route",
  TCPRoute: "tcp-route",
};

/** `istio-canary/virtual-service-reviews.yaml` */
function fileOf({ places }: InitGround, { object, whys }: ObjectChange): ProposedFile {
  const kind = fileNames[object.kind] ?? object.kind.toLowerCase();
  const path = `istio-canary/${kind}-${inPath(object.metadata.name)}.yaml`;
  const replaces = (places.get(placeWord(object)) ?? []).filter((place) => !place.endsWith(path));
  return { path, whys, use: "apply", objects: [asWritten(object)], replaces };
}

/** Names in manifests are what somebody wrote, and lead into no other folder. */
const inPath = (name: string): string => name.replace(/[^a-z0-9.-]+/gi, "-");

/** As somebody would have written it; addresses are the server's to give. */
function asWritten(object: KubernetesObject): object {
  const { apiVersion, kind, metadata, spec, ...rest } = withoutServerFields(object).object;
  const { clusterIP, clusterIPs, ...others } = objectAt({ spec }, "spec");
  const isGiven = kind === "Service" && clusterIP !== undefined && clusterIP !== "None";
  return { apiVersion, kind, metadata, spec: isGiven ? others : spec, ...rest };
}

/** A change of the pod template alone: the selector cannot be changed, and need not be. */
const labelPatches = ({ unlabelled }: InitVersions): readonly ProposedFile[] =>
  unlabelled.map(({ deployment, key, value }) => ({
    path: `istio-canary/patches/deployment-${inPath(deployment)}.yaml`,
    whys: [{ kind: "pod-label", deployment, label: `${key}: ${value}` }],
    use: "patch",
    objects: [{ spec: { template: { metadata: { labels: { [key]: value } } } } }],
  }));

/** The world once everything is applied. */
function applied(
  ground: InitGround,
  changes: readonly ObjectChange[],
  versions: InitVersions,
): readonly KubernetesObject[] {
  const changed = new Map(changes.map(({ object }) => [identity(object), object]));
  const kept = ground.objects.filter((object) => !changed.has(identity(object)));
  return [...kept, ...changed.values()].map((object) => labelled(object, ground, versions));
}

const identity = (object: KubernetesObject): string => `${groupOf(object)} ${placeWord(object)}`;

function labelled(object: KubernetesObject, { namespace }: InitGround, { unlabelled }: InitVersions): KubernetesObject {
  const { kind, metadata } = object;
  const patch = unlabelled.find(({ deployment }) => kind === "Deployment" && metadata.name === deployment);
  if (!patch || metadata.namespace !== namespace) return object;
  const spec = objectAt(object, "spec");
  const template = withPodLabels(spec.template, { [patch.key]: patch.value });
  return { ...object, spec: { ...spec, template } };
}

function notesOf(ground: InitGround, { versions, selector, releasable, chosen }: Parts): readonly InitNote[] {
  const { stable, canary, from, others, bothServe } = versions;
  const notes: InitNote[] = [
    { kind: "versions", stable: stable.deployment, canary: canary.deployment, made: from !== "existing" },
  ];
  if (bothServe) notes.push({ kind: "both-serve", stable: stable.deployment, canary: canary.deployment, others });
  const words = otherWorkloads(ground, selector);
  if (words.length > 0) notes.push({ kind: "others-serve", words });
  if (releasable.length > 0) notes.push({ kind: "releasable", words: releasable.map(placeWord) });
  for (const [word, files] of ground.places) if (files.length > 1) notes.push({ kind: "several-places", word, files });
  if (chosen.image === undefined) notes.push({ kind: "no-image", deployment: stable.deployment });
  if (!chosen.ambient && !hasProxies(ground, versions)) notes.push({ kind: "no-proxies" });
  return notes;
}

/** Whether something says that pods get proxies; what nobody has read may say it, too. */
function hasProxies(ground: InitGround, versions: InitVersions): boolean {
  const namespace = namespaceOf(ground);
  if (!namespace) return true;
  const labels = { ...namespace.metadata.labels, ...versions.podLabels.stable };
  const marks = [
    labels["istio-injection"] === "enabled",
    labels["istio.io/rev"],
    labels["sidecar.istio.io/inject"] === "true",
  ];
  return marks.some(Boolean);
}
