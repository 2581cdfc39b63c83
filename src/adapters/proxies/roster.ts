import { isNamed, type NamespacedName } from "../../istio/host.ts";
import { waypointOf } from "../../istio/waypoint.ts";
import { readDeployment } from "../../kubernetes/deployment.ts";
import { textAt, textsAt } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { isPodOf, type Pod, readPod } from "../../kubernetes/pod.ts";
import { asQuery, type Labels } from "../../kubernetes/selector.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { GatewayName } from "../../ports/route-family.ts";
import { type Role, roles } from "../../release/target.ts";
import { istioResources } from "../kubernetes/istio-version.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import type { CountingSide, ProxiesOptions } from "./proxies-options.ts";

/** A pod whose Envoy counts. */
export type ProxyPod = NamespacedName & {
  readonly uid: string;
  readonly of: Role | "gateway" | "waypoint";
  /** Those that come and go together: a version's, or a gateway's. */
  readonly group: string;
};

/** Pods that are read at one look. Where there are more a round takes several, and nothing is counted until it is whole. */
export const mostPods = 50;

export const wordFor = (of: ProxyPod["of"], { stable, canary }: ProxiesOptions["target"]): string =>
  ({ stable: stable.deployment, canary: canary.deployment, gateway: "a gateway", waypoint: "the waypoint" })[of];

/** The proxies that count, as they are now. */
export type Roster = {
  readonly reporter: CountingSide;
  readonly pods: readonly ProxyPod[];
  /** Every group that was looked for, also those without a pod. */
  readonly groups: readonly string[];
  /** Pods of versions that run without a proxy. */
  readonly bare: readonly NamespacedName[];
  readonly callers: Callers;
};

/** Who sends to the versions by the release's routes. */
export type Callers = {
  readonly gateways: readonly NamespacedName[];
  /** Clients in the mesh are among them. */
  readonly inMesh: boolean;
  /** What of them could not be found, in words. */
  readonly unread: readonly string[];
};

type Group = { readonly name: string; readonly of: ProxyPod["of"]; readonly pods: readonly RunningPod[] };
type RunningPod = { readonly namespace: string; readonly pod: Pod; readonly address: string };

/** Pods with these labels, somewhere. */
type Wanted = { readonly name: string; readonly labels: Labels; readonly near: readonly string[] };
type Callable = Callers & { readonly wanted: readonly Wanted[] };

/** Gateways and waypoints change seldom, and cost several lists. */
const callersLast: Millis = 30_000;

const proxyName = "istio-proxy";

/** What is asked to find whose proxies they are. */
export type SeekOptions = Pick<ProxiesOptions, "client" | "network" | "target" | "viewers">;

type Around = { readonly callers: Callable; readonly waypoint: Wanted | undefined; readonly at: Instant };

/** Who sends to the versions, read anew now and then. */
function lookAround(options: SeekOptions): () => Promise<Around> {
  let known: Around | undefined;
  return async () => {
    const at = options.network.clock.now();
    if (known && at - known.at < callersLast) return known;
    const [callers, waypoint] = await Promise.all([callersOf(options), waypointFor(options)]);
    known = { callers, waypoint, at };
    return known;
  };
}

/** The groups of gateways and of waypoints, as they are now. */
function groupsAround(options: SeekOptions) {
  const around = lookAround(options);
  const podsNear = selectedPods(options);
  return async () => {
    const { callers, waypoint } = await around();
    const [gateways, waypoints] = await Promise.all([
      Promise.all(callers.wanted.map((wanted) => podsNear(wanted, "gateway"))),
      waypoint ? podsNear(waypoint, "waypoint").then((group) => [group]) : [],
    ]);
    return { callers, waypoint, gateways, waypoints };
  };
}

/** Looks for the proxies that count; what does not change while a release runs is read once. */
export function seekProxies(options: ProxiesOptions): () => Promise<Roster> {
  const { target } = options;
  const ofVersion = { stable: versionPods(options, "stable"), canary: versionPods(options, "canary") };
  const around = groupsAround(options);
  let kept: CountingSide | undefined = options.reporter === "auto" ? undefined : options.reporter;

  return async () => {
    const [versions, { callers, waypoint, gateways, waypoints }] = await Promise.all([
      Promise.all(roles.map((role) => ofVersion[role]())),
      around(),
    ]);
    const found = versions.flatMap(({ pods }) => pods);
    const reporter = kept ?? (found.some(hasProxy) ? "destination" : waypoint ? "waypoint" : "source");
    if (found.length > 0) kept = reporter;
    const groups = { destination: [...versions, ...gateways], waypoint: waypoints, source: gateways }[reporter];
    return {
      reporter,
      pods: distinct(groups.flatMap(proxiesIn)),
      groups: groups.map(({ name }) => name),
      bare: found.filter((one) => !hasProxy(one)).map(({ pod }) => ({ namespace: target.namespace, name: pod.name })),
      callers,
    };
  };
}

const hasProxy = ({ pod }: RunningPod): boolean => pod.containerNames.includes(proxyName);

const proxiesIn = ({ name: group, of, pods }: Group): readonly ProxyPod[] =>
  pods
    .filter((found) => hasProxy(found) || (of !== "stable" && of !== "canary"))
    .map(({ namespace, pod: { uid, name } }) => ({ uid, namespace, name, of, group }));

const distinct = <P extends { readonly uid: string }>(pods: readonly P[]): readonly P[] => [
  ...new Map(pods.map((pod) => [pod.uid, pod])).values(),
];

const running = (objects: readonly KubernetesObject[]): readonly RunningPod[] =>
  objects
    .map((object) => ({
      namespace: object.metadata.namespace ?? "",
      pod: readPod(object),
      address: textAt(object, "status", "podIP") ?? "",
    }))
    .filter(({ pod }) => pod.phase === "Running");

/** Those on their way out still serve. A Deployment's selector never changes. */
function versionPods({ client, target }: SeekOptions, role: Role): () => Promise<Group> {
  const { namespace } = target;
  const { deployment } = target[role];
  let selector: string | undefined;
  return async () => {
    const object = selector === undefined ? await client.get(resources.deployments, namespace, deployment) : undefined;
    if (object) selector = asQuery(readDeployment(object).selector);
    const pods =
      selector === undefined ? [] : running(await client.list(resources.pods, namespace, { labelSelector: selector }));
    return { name: deployment, of: role, pods: pods.filter(({ pod }) => isPodOf(deployment, pod)) };
  };
}

/** In every namespace, or where they are likely to be; what is forbidden once is not asked for again. */
function selectedPods({ client }: SeekOptions): (wanted: Wanted, of: ProxyPod["of"]) => Promise<Group> {
  const closed = new Set<string>();
  return async ({ name, labels, near }, of) => {
    const labelSelector = asQuery({ matchLabels: labels, matchExpressions: [] });
    const list = async (namespace: string | undefined): Promise<readonly KubernetesObject[] | undefined> => {
      if (closed.has(namespace ?? "")) return undefined;
      const objects = await unlessForbidden(client.list(resources.pods, namespace, { labelSelector }));
      if (!objects) closed.add(namespace ?? "");
      return objects;
    };
    const everywhere = await list(undefined);
    const objects = everywhere ?? (await Promise.all(near.map(list))).flatMap((some) => some ?? []);
    return { name, of, pods: running(objects) };
  };
}

/** Where Istio's installation puts its gateways. */
const usualPlaces = ["istio-system", "istio-ingress"];

async function callersOf(options: SeekOptions): Promise<Callable> {
  const { client, target, viewers } = options;
  const found = await unlessForbidden(viewers());
  const seen = found ?? [];
  const gateways = seen.flatMap((who) => (who === "mesh" ? [] : [who]));
  const named = gateways.filter((one, index) => gateways.findIndex((other) => isSame(one, other)) === index);
  const selectors = await Promise.all(named.map((gateway) => selectorOf(client, gateway)));
  const wanted = named.flatMap((gateway, index): readonly Wanted[] => {
    const { [index]: labels } = selectors;
    const near = [...new Set([gateway.namespace, target.namespace, ...usualPlaces])];
    if (labels) return [{ name: `gateway ${gateway.namespace}/${gateway.name}`, labels, near }];
    return [];
  });
  const unread = named
    .filter((_, index) => selectors[index] === undefined)
    .map(({ namespace, name }) => `the Gateway ${namespace}/${name}`);
  if (!found) unread.push("the routes");
  return { gateways: named, inMesh: seen.includes("mesh"), unread, wanted };
}

const isSame = (one: GatewayName, other: GatewayName): boolean => isNamed(one, other) && one.ofApi === other.ofApi;

/** Pods that Istio makes for a Gateway of the Gateway API: https://gateway-api.sigs.k8s.io/geps/gep-1762/ */
const madeFor = ({ name }: NamespacedName): Labels => ({ "gateway.networking.k8s.io/gateway-name": name });

/** Undefined where it may not be read, or is not there. */
async function selectorOf(client: ProxiesOptions["client"], gateway: GatewayName): Promise<Labels | undefined> {
  const { namespace, name, ofApi } = gateway;
  if (ofApi) return madeFor(gateway);
  const istio = await istioResources(client);
  if (!istio) return undefined;
  const gateways = { ...resources.gateways, version: istio.virtualServices.version };
  const objects = await unlessForbidden(client.list(gateways, namespace));
  const found = objects?.find(({ metadata }) => metadata.name === name);
  const labels = textsAt(found, "spec", "selector");
  if (Object.keys(labels).length > 0) return labels;
  return undefined;
}

async function waypointFor({ client, target }: SeekOptions): Promise<Wanted | undefined> {
  const { namespace, service } = target;
  const [services, own] = await Promise.all([
    unlessForbidden(client.list(resources.services, namespace)),
    unlessForbidden(client.get(resources.namespaces, undefined, namespace)),
  ]);
  const called = services?.find(({ metadata }) => metadata.name === service);
  const waypoint = waypointOf(called, own, namespace);
  return (
    waypoint && {
      name: `waypoint ${waypoint.namespace}/${waypoint.name}`,
      labels: madeFor(waypoint),
      near: [waypoint.namespace],
    }
  );
}

/** Proxies that follow the release's routes. */
export type Followers = {
  readonly pods: readonly FollowerPod[];
  /** Addresses of a version's pods that are ready. */
  readonly addresses: Readonly<Record<Role, readonly string[]>>;
};
export type FollowerPod = NamespacedName & {
  readonly uid: string;
  readonly of: "gateway" | "waypoint" | "caller";
};

/** Of the gateways, and of the callers: each costs the API server a connection or two. */
export const mostFollowers = 5;

/** Looks for the proxies that follow the release's routes: some of the gateways' and waypoints', and some of the callers'. */
export function seekFollowers(options: SeekOptions): () => Promise<Followers> {
  const { client, target } = options;
  const ofVersion = { stable: versionPods(options, "stable"), canary: versionPods(options, "canary") };
  const around = groupsAround(options);
  return async () => {
    const [{ pods: stable }, { pods: canary }, { callers, gateways, waypoints }] = await Promise.all([
      ofVersion.stable(),
      ofVersion.canary(),
      around(),
    ]);
    const own = new Set([...stable, ...canary].map(({ pod }) => pod.uid));
    const known = new Set(podsIn([...gateways, ...waypoints]).map(({ pod }) => pod.uid));
    const beside = callers.inMesh ? running(await client.list(resources.pods, target.namespace)) : [];
    const inMesh = beside.filter((one) => hasProxy(one) && !known.has(one.pod.uid));
    const others = inMesh.filter(({ pod }) => !own.has(pod.uid));
    return {
      pods: [
        ...sampleOf("gateway", podsIn(gateways)),
        ...sampleOf("waypoint", podsIn(waypoints)),
        ...sampleOf("caller", others.length > 0 ? others : inMesh),
      ],
      addresses: { stable: addressesOf(stable), canary: addressesOf(canary) },
    };
  };
}

const podsIn = (groups: readonly Group[]): readonly RunningPod[] => groups.flatMap(({ pods }) => pods);

const addressesOf = (pods: readonly RunningPod[]): readonly string[] =>
  pods.flatMap(({ pod: { ready, terminating }, address }) => (ready && !terminating ? [address] : []));

/** Evenly among all of them by name, so that pods of different workloads are in it. */
function sampleOf(of: FollowerPod["of"], pods: readonly RunningPod[]): readonly FollowerPod[] {
  const staying = pods.filter(({ pod }) => !pod.terminating);
  const all = distinct(staying.map(({ namespace, pod: { uid, name } }) => ({ of, namespace, name, uid })));
  const sorted = all.toSorted((one, other) => one.name.localeCompare(other.name, "en"));
  const most = Math.min(mostFollowers, sorted.length);
  return Array.from({ length: most }, (_, at) => sorted[Math.floor((at * sorted.length) / most)] ?? []).flat();
}
