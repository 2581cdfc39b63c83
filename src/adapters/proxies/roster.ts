import { isNamed, type NamespacedName } from "../../istio/host.ts";
import { waypointOf } from "../../istio/waypoint.ts";
import { readDeployment } from "../../kubernetes/deployment.ts";
import { textsAt } from "../../kubernetes/field.ts";
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
type RunningPod = { readonly namespace: string; readonly pod: Pod };

/** Pods with these labels, somewhere. */
type Wanted = { readonly name: string; readonly labels: Labels; readonly near: readonly string[] };
type Callable = Callers & { readonly wanted: readonly Wanted[] };

/** Gateways and waypoints change seldom, and cost several lists. */
const callersLast: Millis = 30_000;

const proxyName = "istio-proxy";

/** Looks for the proxies that count; what does not change while a release runs is read once. */
export function seekProxies(options: ProxiesOptions): () => Promise<Roster> {
  const { target, network } = options;
  const ofVersion = { stable: versionPods(options, "stable"), canary: versionPods(options, "canary") };
  const podsNear = selectedPods(options);
  let kept: CountingSide | undefined = options.reporter === "auto" ? undefined : options.reporter;
  let known: { readonly callers: Callable; readonly waypoint: Wanted | undefined; readonly at: Instant } | undefined;

  async function around(): Promise<NonNullable<typeof known>> {
    const at = network.clock.now();
    if (known && at - known.at < callersLast) return known;
    const [callers, waypoint] = await Promise.all([callersOf(options), waypointFor(options)]);
    known = { callers, waypoint, at };
    return known;
  }

  return async () => {
    const { callers, waypoint } = await around();
    const versions = await Promise.all(roles.map((role) => ofVersion[role]()));
    const [gateways, waypoints] = await Promise.all([
      Promise.all(callers.wanted.map((wanted) => podsNear(wanted, "gateway"))),
      waypoint ? podsNear(waypoint, "waypoint").then((group) => [group]) : [],
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

const distinct = (pods: readonly ProxyPod[]): readonly ProxyPod[] => [
  ...new Map(pods.map((pod) => [pod.uid, pod])).values(),
];

const running = (objects: readonly KubernetesObject[]): readonly RunningPod[] =>
  objects
    .map((object) => ({ namespace: object.metadata.namespace ?? "", pod: readPod(object) }))
    .filter(({ pod }) => pod.phase === "Running");

/** Those on their way out still serve. A Deployment's selector never changes. */
function versionPods({ client, target }: ProxiesOptions, role: Role): () => Promise<Group> {
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
function selectedPods({ client }: ProxiesOptions): (wanted: Wanted, of: ProxyPod["of"]) => Promise<Group> {
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

async function callersOf(options: ProxiesOptions): Promise<Callable> {
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

async function waypointFor({ client, target }: ProxiesOptions): Promise<Wanted | undefined> {
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
