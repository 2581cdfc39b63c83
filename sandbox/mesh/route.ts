import { type Millis, parseDuration } from "../../src/lib/duration.ts";
import { matches, rewritten, type Seen, type Side, servesSide } from "./match.ts";
import {
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
export type Copy = { readonly pod: Pod; readonly port: number };

/** What becomes of a request. `service` is known as soon as a cluster was found, also where no pod of it was. */
export type Route = { readonly service?: Service; readonly delay?: Millis } & (
  | {
      readonly pod: Pod;
      readonly port: number;
      readonly url: string;
      readonly authority: string;
      readonly copies: readonly Copy[];
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
  const { rule, namespace } = found;
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

  const endpoints = chosen && service && endpointsOf(mesh, service, chosen.destination);
  if (!endpoints) return { ...delayed, status: 503, body: "", flag: "NC" };
  const endpoint = endpoints[Math.floor(random() * endpoints.length)];
  if (!endpoint) return { ...known, status: 503, body: "no healthy upstream", flag: "UH" };
  return {
    ...known,
    ...endpoint,
    url: rewritten(rule, request, side),
    authority: rule.rewrite?.authority ?? request.authority,
    copies: copiesOf(mesh, found, random),
  };
}

/** To the mirrors that the percentage meets; where nobody is, nothing is sent, and nobody hears of it. */
function copiesOf(
  mesh: Mesh,
  { rule: { mirror, mirrorPercentage, mirrors }, namespace }: Rules["rules"][number],
  random: () => number,
): readonly Copy[] {
  const all = mirror ? [{ destination: mirror, percentage: mirrorPercentage }, ...mirrors] : mirrors;
  return all.flatMap(({ destination, percentage }): readonly Copy[] => {
    if (random() * 100 >= percentage.value) return [];
    const service = serviceNamed(mesh, fullName(destination.host, namespace));
    const endpoints = (service && endpointsOf(mesh, service, destination)) ?? [];
    const endpoint = endpoints[Math.floor(random() * endpoints.length)];
    return endpoint ? [endpoint] : [];
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
  readonly rules: readonly { readonly rule: HttpRule; readonly namespace: string }[];
  readonly side: Side;
};

/** A host of a gateway's VirtualServices is served as the gateway would, any other as a sidecar would. */
function rulesFor(mesh: Mesh, host: string): Rules {
  const service = mesh.services.find(({ metadata: { name, namespace } }) =>
    serviceNames(name, namespace).includes(host),
  );
  const names = service ? [host, fullName(service.metadata.name, service.metadata.namespace)] : [host];
  const serving = (side: Side): readonly VirtualService[] =>
    mostSpecific(
      mesh.virtualServices.filter(({ spec }) => servesSide(spec.gateways, side)),
      names,
    );

  const atGateway = serving("ingress");
  // A gateway joins the rules of all its VirtualServices for a host, rules without a match last; a sidecar takes the oldest one's.
  if (atGateway.length > 0)
    return {
      side: "ingress",
      rules: rulesOf(atGateway).toSorted(
        (a, b) => Number(a.rule.match.length === 0) - Number(b.rule.match.length === 0),
      ),
    };
  const inMesh = serving("mesh").slice(0, 1);
  if (inMesh.length > 0 || !service) return { side: "mesh", rules: rulesOf(inMesh) };
  return { side: "mesh", rules: [{ rule: straightTo(service), namespace: service.metadata.namespace }] };
}

const rulesOf = (virtualServices: readonly VirtualService[]): Rules["rules"] =>
  virtualServices.flatMap(({ metadata, spec }) => spec.http.map((rule) => ({ rule, namespace: metadata.namespace })));

function mostSpecific(virtualServices: readonly VirtualService[], names: readonly string[]): readonly VirtualService[] {
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

const serviceNamed = (mesh: Mesh, host: string): Service | undefined =>
  mesh.services.find(({ metadata }) => fullName(metadata.name, metadata.namespace) === host);

const straightTo = ({ metadata }: Service): HttpRule => ({
  match: [],
  route: [{ destination: { host: fullName(metadata.name, metadata.namespace) }, weight: 100 }],
  mirrorPercentage: { value: 100 },
  mirrors: [],
});

export const hostOf = (authority: string): string => authority.toLowerCase().replace(/:\d+$/, "");

/** The pods behind a destination, each with its own number of the port. Undefined where the mesh has no such cluster. */
function endpointsOf(
  mesh: Mesh,
  service: Service,
  { subset, port }: Place,
): readonly { readonly pod: Pod; readonly port: number }[] | undefined {
  const wantedLabels = subset === undefined ? {} : subsetLabels(mesh, service, subset);
  const servicePort =
    port === undefined ? service.spec.ports[0] : service.spec.ports.find((candidate) => candidate.port === port.number);
  if (!wantedLabels || !servicePort) return undefined;
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

/** DestinationRules of the most exact host add up; of two subsets with one name the older counts. */
function subsetLabels(mesh: Mesh, service: Service, subset: string): Readonly<Record<string, string>> | undefined {
  const names = [fullName(service.metadata.name, service.metadata.namespace)];
  const ranked = mesh.destinationRules.map(({ metadata, spec }) => ({
    subsets: spec.subsets,
    rank: rankOf(fullName(spec.host, metadata.namespace), names),
  }));
  const best = Math.max(1, ...ranked.map(({ rank }) => rank));
  return ranked
    .filter(({ rank }) => rank === best)
    .flatMap(({ subsets }) => subsets)
    .find(({ name }) => name === subset)?.labels;
}

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
