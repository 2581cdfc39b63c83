import { type Millis, parseDuration } from "../../src/lib/duration.ts";
import { matches, rewritten, type Seen, type Side, servesSide } from "./match.ts";
import {
  type DestinationRule,
  type HttpRule,
  type Mesh,
  type Place,
  type Pod,
  type Service,
  selects,
  type VirtualService,
  type WeightedDestination,
} from "./objects.ts";

/** Envoy's word for why it answered itself: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags */
export type Flag = "NR" | "NC" | "UH" | "UF" | "UC" | "FI" | "DI" | "DC" | "-";

/** A request that goes to one more pod, whose answer nobody waits for. */
export type Copy = { readonly service: Service; readonly pod: Pod; readonly port: number };

/** What becomes of a request. `service` is known as soon as a cluster was found, also where no pod of it was. */
export type Route = { readonly service?: Service; readonly delay?: Millis } & (
  | {
      readonly pod: Pod;
      readonly port: number;
      readonly url: string;
      readonly authority: string;
      readonly copies: readonly Copy[];
      /** Headers that the destination adds to its answers. */
      readonly adds?: Readonly<Record<string, string>>;
    }
  | {
      readonly status: number;
      readonly body: string;
      readonly flag: Flag;
      readonly headers?: Readonly<Record<string, string>>;
    }
);

/** Decides where a request goes, as Envoy does with what istiod makes of these objects. */
export function route(mesh: Mesh, request: Seen, random: () => number): Route {
  const { rules, side } = rulesFor(mesh, hostOf(request.authority));
  const found = rules.find(({ rule }) => matches(rule, request, side));
  if (!found) return { status: 404, body: "", flag: "NR" };
  const { rule, namespace, client } = found;
  if (rule.directResponse)
    return { status: rule.directResponse.status, body: rule.directResponse.body.string, flag: "-" };
  if (rule.redirect) return redirect(rule.redirect, request);

  const chosen = choose(rule.route, random);
  const service = chosen && serviceNamed(mesh, fullName(chosen.destination.host, namespace));
  const { abort, delay } = rule.fault ?? {};
  const delayed =
    delay && random() * 100 < delay.percentage.value ? { delay: parseDuration(delay.fixedDelay) ?? 0 } : {};
  const known = service ? { service, ...delayed } : delayed;
  if (abort && random() * 100 < abort.percentage.value)
    return { ...known, status: abort.httpStatus, body: "fault filter abort", flag: "FI" };

  const endpoints = chosen && service && endpointsOf(mesh, service, chosen.destination, { namespace: client, side });
  if (!endpoints) return { ...delayed, status: 503, body: "", flag: "NC" };
  const endpoint = endpoints[Math.floor(random() * endpoints.length)];
  if (!endpoint) return { ...known, status: 503, body: "no healthy upstream", flag: "UH" };
  return {
    ...known,
    ...endpoint,
    url: rewritten(rule, request, side),
    authority: rule.rewrite?.authority ?? request.authority,
    copies: copiesOf(mesh, found, side, random),
    adds: chosen.headers?.response?.add ?? {},
  };
}

/** To the mirrors that the percentage meets; where nobody is, nothing is sent, and nobody hears of it. */
function copiesOf(
  mesh: Mesh,
  { rule: { mirror, mirrorPercentage, mirrors }, namespace, client }: Rules["rules"][number],
  side: Side,
  random: () => number,
): readonly Copy[] {
  const all = mirror ? [{ destination: mirror, percentage: mirrorPercentage }, ...mirrors] : mirrors;
  return all.flatMap(({ destination, percentage }): readonly Copy[] => {
    if (random() * 100 >= percentage.value) return [];
    const service = serviceNamed(mesh, fullName(destination.host, namespace));
    const endpoints = (service && endpointsOf(mesh, service, destination, { namespace: client, side })) ?? [];
    const endpoint = endpoints[Math.floor(random() * endpoints.length)];
    return service && endpoint ? [{ service, ...endpoint }] : [];
  });
}

/**
 * One destination gets everything whatever its weight; of several, those without weight are left out and the others
 * share in proportion (istio.io/istio, pilot/pkg/networking/core/route).
 */
export function choose(
  destinations: readonly WeightedDestination[],
  random: () => number,
): WeightedDestination | undefined {
  if (destinations.length === 1) return destinations[0];
  const weighted = destinations.filter(({ weight }) => weight > 0);
  let left = random() * weighted.reduce((sum, { weight }) => sum + weight, 0);
  for (const destination of weighted) {
    left -= destination.weight;
    if (left < 0) return destination;
  }
  return weighted.at(-1);
}

type Rules = {
  readonly rules: readonly {
    readonly rule: HttpRule;
    readonly namespace: string;
    /** The namespace of the proxy that follows it. */
    readonly client: string;
  }[];
  readonly side: Side;
};

/**
 * A host of a gateway's VirtualServices is served as the gateway would, any other as a sidecar beside the service
 * would. A gateway's proxies are taken to be where the Gateway is.
 */
function rulesFor(mesh: Mesh, host: string): Rules {
  const service = mesh.services.find(({ metadata: { name, namespace } }) =>
    serviceNames(name, namespace).includes(host),
  );
  const names = service ? [host, fullName(service.metadata.name, service.metadata.namespace)] : [host];
  const atGateway = mostSpecific(
    mesh.virtualServices.filter((one) => gatewayOf(one) !== undefined),
    names,
  );
  // A gateway joins the rules of all its VirtualServices for a host, rules without a match last; a sidecar takes the oldest one's.
  if (atGateway.length > 0)
    return {
      side: "ingress",
      rules: atGateway
        .flatMap((one) => rulesOf(one, gatewayOf(one) ?? ""))
        .toSorted((a, b) => Number(a.rule.match.length === 0) - Number(b.rule.match.length === 0)),
    };
  const client = service?.metadata.namespace;
  const isSeen = (one: VirtualService): boolean =>
    servesSide(one.spec.gateways, "mesh") && (client === undefined || isExported(one, client));
  const isRouted = client === undefined || !mesh.routeless.includes(client);
  const [inMesh] = isRouted ? mostSpecific(mesh.virtualServices.filter(isSeen), names) : [];
  if (inMesh || !service || client === undefined)
    return { side: "mesh", rules: inMesh ? rulesOf(inMesh, client ?? inMesh.metadata.namespace) : [] };
  return { side: "mesh", rules: [{ rule: straightTo(service), namespace: client, client }] };
}

/** The namespace of the first gateway that follows a VirtualService, where one sees it. */
const gatewayOf = (virtualService: VirtualService): string | undefined =>
  virtualService.spec.gateways
    .filter((gateway) => servesSide([gateway], "ingress"))
    .map((gateway) => (gateway.includes("/") ? (gateway.split("/")[0] ?? "") : virtualService.metadata.namespace))
    .find((namespace) => isExported(virtualService, namespace));

type Exported = {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly exportTo: readonly string[] };
};

const isExported = ({ metadata, spec: { exportTo } }: Exported, client: string): boolean =>
  exportTo.length === 0 ||
  exportTo.some((one) => one === "*" || one === client || (one === "." && metadata.namespace === client));

const rulesOf = ({ metadata: { namespace }, spec }: VirtualService, client: string): Rules["rules"] =>
  spec.http.map((rule) => ({ rule, namespace, client }));

export function mostSpecific(
  virtualServices: readonly VirtualService[],
  names: readonly string[],
): readonly VirtualService[] {
  const ranked = virtualServices.map((virtualService) => ({
    virtualService,
    rank: Math.max(
      ...virtualService.spec.hosts.map((host) => rankOf(fullName(host, virtualService.metadata.namespace), names)),
    ),
  }));
  const best = Math.max(0, ...ranked.map(({ rank }) => rank));
  return best === 0 ? [] : ranked.filter(({ rank }) => rank === best).map(({ virtualService }) => virtualService);
}

/** An exact host before any wildcard, a longer wildcard before a shorter one; 0 is no match. */
function rankOf(host: string, names: readonly string[]): number {
  if (names.includes(host)) return Infinity;
  return host.startsWith("*") && names.some((name) => name.endsWith(host.slice(1))) ? host.length : 0;
}

/** Only a name without any dot is short (istio.io/istio, pkg/config ResolveShortnameToFQDN). */
export const fullName = (host: string, namespace: string): string =>
  host.includes(".") || host === "*" ? host : `${host}.${namespace}.svc.cluster.local`;

const serviceNames = (name: string, namespace: string): readonly string[] => [
  name,
  `${name}.${namespace}`,
  `${name}.${namespace}.svc`,
  `${name}.${namespace}.svc.cluster.local`,
];

export const serviceNamed = (mesh: Mesh, host: string): Service | undefined =>
  mesh.services.find(({ metadata }) => fullName(metadata.name, metadata.namespace) === host);

const straightTo = ({ metadata }: Service): HttpRule => ({
  match: [],
  route: [{ destination: { host: fullName(metadata.name, metadata.namespace) }, weight: 100 }],
  mirrorPercentage: { value: 100 },
  mirrors: [],
});

export const hostOf = (authority: string): string => authority.toLowerCase().replace(/:\d+$/, "");

/** The proxy that sends a request. */
type Client = { readonly namespace: string; readonly side: Side };

/** The pods behind a destination, each with its own number of the port. Undefined where the mesh has no such cluster. */
export function endpointsOf(
  mesh: Mesh,
  service: Service,
  { subset, port }: Place,
  client: Client,
): readonly { readonly pod: Pod; readonly port: number }[] | undefined {
  const rules = destinationRulesFor(mesh, service, client.namespace);
  const found = subset === undefined ? {} : subsetLabels(rules, subset);
  const servicePort =
    port === undefined ? service.spec.ports[0] : service.spec.ports.find((candidate) => candidate.port === port.number);
  if (!found || !servicePort) return undefined;
  const wantedLabels = isChosenBefore(service, rules, client) ? {} : found;
  const { selector } = service.spec;
  const pods = mesh.pods.filter(
    (pod) =>
      selector &&
      pod.metadata.namespace === service.metadata.namespace &&
      isReady(pod) &&
      selects(selector, pod) &&
      selects(wantedLabels, pod),
  );
  return pods.flatMap((pod) => {
    const number = portOf(pod, servicePort.targetPort ?? servicePort.port);
    return number === undefined ? [] : [{ pod, port: number }];
  });
}

/**
 * A sidecar goes on to the address that was called where a Service is headless, or a rule passes requests through: DNS
 * or the Service has chosen one of all pods then. A gateway was called by another address, and chooses itself.
 */
function isChosenBefore({ spec }: Service, rules: readonly DestinationRule[], { side }: Client): boolean {
  const policies = rules.flatMap((rule) => [rule.spec, ...rule.spec.subsets]);
  const passed = policies.some(({ trafficPolicy }) => trafficPolicy?.loadBalancer?.simple === "PASSTHROUGH");
  return side === "mesh" && (spec.clusterIP === "None" || passed);
}

/**
 * Those that a client takes for a host: of its own namespace, else of the service's, else of the root's, each only
 * where they are exported to it; of the most exact host. (istio.io/istio, pilot/pkg/model/push_context.go)
 */
function destinationRulesFor(mesh: Mesh, { metadata }: Service, client: string): readonly DestinationRule[] {
  const names = [fullName(metadata.name, metadata.namespace)];
  const root = "istio-system";
  const seen = mesh.destinationRules.filter((rule) => isExported(rule, client));
  const inNamespace = (namespace: string): readonly DestinationRule[] =>
    seen.filter((rule) => rule.metadata.namespace === namespace);
  // A proxy in the root namespace takes only those first that no other namespace sees.
  const own = inNamespace(client).filter((rule) => client !== root || !isExported(rule, "any other"));
  for (const rules of [own, inNamespace(metadata.namespace), inNamespace(root)]) {
    const ranked = rules.map((rule) => ({
      rule,
      rank: rankOf(fullName(rule.spec.host, rule.metadata.namespace), names),
    }));
    const best = Math.max(0, ...ranked.map(({ rank }) => rank));
    const taken = ranked.filter(({ rank }) => rank > 0 && rank === best).map(({ rule }) => rule);
    if (taken.length > 0) return taken.filter(({ spec }) => spec.workloadSelector === undefined);
  }
  return [];
}

/** Rules of one host and namespace add up; of two subsets with one name the older counts. */
const subsetLabels = (
  rules: readonly DestinationRule[],
  subset: string,
): Readonly<Record<string, string>> | undefined =>
  rules.flatMap(({ spec }) => spec.subsets).find(({ name }) => name === subset)?.labels;

const isReady = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status.podIP !== undefined &&
  status.conditions.some(({ type, status }) => type === "Ready" && status === "True");

const portOf = (pod: Pod, port: number | string): number | undefined =>
  typeof port === "number"
    ? port
    : pod.spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === port)?.containerPort;

function redirect({ uri, authority, redirectCode }: NonNullable<HttpRule["redirect"]>, request: Seen): Route {
  const location = `http://${authority ?? request.authority}${uri ?? request.url}`;
  return { status: redirectCode, body: "", flag: "-", headers: { location } };
}
