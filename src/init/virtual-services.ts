import { gatewayTakes } from "../istio/gateway.ts";
import { covers, readHost, sameHost } from "../istio/host.ts";
import type { RouteRule } from "../istio/route-rule.ts";
import { portsOf, type ServicePort } from "../istio/service.ts";
import { gatewaysOf, hostsOf, nameOf, rulesOf } from "../istio/virtual-service.ts";
import { listAt, objectAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { freeName, type InitGround, ofKind } from "./ground.ts";
import type { ObjectChange } from "./proposal.ts";
import { fullHost, isOfService, serviceHost } from "./reach.ts";
import type { VersionRole } from "./versions.ts";

/** The VirtualServices that send to the service itself. */
export const routesToService = (ground: InitGround): readonly KubernetesObject[] =>
  ofKind(ground, "VirtualService").filter((object) => rulesOf(object).some((rule) => sends(ground, rule)));

const sends = (ground: InitGround, { destinations }: RouteRule): boolean =>
  destinations.some((one) => isOfService(ground, one));

/** The subsets that get requests of the service now, as routes name them. */
export const routedSubsets = (ground: InitGround): readonly string[] => [
  ...new Set(
    routesToService(ground)
      .flatMap(rulesOf)
      .flatMap(({ destinations }) => destinations.filter(({ counts }) => counts > 0))
      .filter((one) => isOfService(ground, one))
      .flatMap(({ subset }) => subset ?? []),
  ),
];

/** Those that are for the service and send to others: to a Service for each version, or elsewhere. */
export const routesByHost = (ground: InitGround): readonly KubernetesObject[] =>
  ofKind(ground, "VirtualService").filter(
    (object) =>
      hostsOf(object).some((host) => covers(host, serviceHost(ground))) &&
      rulesOf(object).some(({ destinations }) => destinations.length > 0) &&
      !rulesOf(object).some((rule) => sends(ground, rule)),
  );

/** A destination without a subset is every pod of the Service, the canary's too. */
export function pinned(ground: InitGround, object: KubernetesObject, subset: string): ObjectChange | undefined {
  const open = rulesOf(object).filter(({ destinations }) => destinations.some((one) => isOpen(ground, one)));
  if (open.length === 0) return undefined;
  const rules = open.map(({ name, place }) => name ?? place);
  const changed = open.reduce((whole, rule) => withSubset(ground, whole, rule, subset), object);
  return { object: changed, whys: [{ kind: "unpinned-route", word: placeWord(object), rules, to: subset }] };
}

const isOpen = (ground: InitGround, one: RouteRule["destinations"][number]): boolean =>
  one.subset === undefined && isOfService(ground, one);

function withSubset(
  ground: InitGround,
  object: KubernetesObject,
  { section, index, destinations, raw }: RouteRule,
  subset: string,
): KubernetesObject {
  const route = destinations.map((one) =>
    isOpen(ground, one) ? { ...one.raw, destination: { ...objectAt(one.raw, "destination"), subset } } : one.raw,
  );
  const spec = objectAt(object, "spec");
  const rules = listAt(spec, section).map((rule, at) => (at === index ? { ...raw, route } : rule));
  return { ...object, spec: { ...spec, [section]: rules } };
}

export const newVirtualService = (
  ground: InitGround,
  service: KubernetesObject,
  names: Readonly<Record<VersionRole, string>>,
): ObjectChange => {
  const host = fullHost(ground);
  const section = portsOf(service).every(isOpaque) ? "tcp" : "http";
  const to = (subset: string, weight: number): object => ({ destination: { host, subset }, weight });
  return {
    object: {
      apiVersion: `networking.istio.io/${ground.istioVersion}`,
      kind: "VirtualService",
      metadata: { name: freeName(ground, "VirtualService", ground.service), namespace: ground.namespace },
      spec: { hosts: [host], [section]: [{ route: [to(names.stable, 100), to(names.canary, 0)] }] },
    },
    whys: [{ kind: "route", ...names }],
  };
};

const opaque = new Set(["tcp", "tls", "https", "mongo", "mysql", "redis"]);
const isOpaque = ({ protocol }: ServicePort): boolean => opaque.has(protocol);

/** Istio's own ingress gateway, by the label that its pods have. */
const ingress = { istio: "ingressgateway" };

export type Entry = { readonly route: ObjectChange; readonly gateway?: ObjectChange | undefined };

/** The route for a host from outside, and the Gateway that takes it, if none does yet. */
export function withEntry(ground: InitGround, route: ObjectChange, host: string): Entry {
  const { object } = route;
  const { namespace } = nameOf(object);
  const wanted = readHost(host, namespace);
  const before = gatewaysOf(object);
  const isHosted = hostsOf(object).some((one) => sameHost(one, wanted));
  if (isHosted && before.some((one) => one !== "mesh")) return { route };
  const takers = ofKind(ground, "Gateway", "networking.istio.io");
  const taking = takers.find((gateway) => gatewayTakes(gateway, wanted, namespace));
  const made = newGateway(ground, host);
  const { namespace: owner, name } = (taking ?? made.object).metadata;
  const gateways = [...(before.length === 0 ? ["mesh"] : before), owner === namespace ? name : `${owner}/${name}`];
  const { hosts: _, gateways: __, ...rest } = objectAt(object, "spec");
  const hosts = [...listAt(object, "spec", "hosts").filter((one) => one !== host), host];
  return {
    route: {
      object: { ...object, spec: { hosts, gateways: [...new Set(gateways)], ...rest } },
      whys: [...route.whys, { kind: "route-host", word: placeWord(object), host }],
    },
    gateway: taking ? undefined : made,
  };
}

export const secretFor = (host: string): string => `${host.replace(/^\*\./, "wildcard-").replaceAll(".", "-")}-tls`;

const newGateway = (ground: InitGround, host: string): ObjectChange => {
  const server = (number: number, protocol: string, tls: object): object => ({
    port: { number, name: protocol.toLowerCase(), protocol },
    hosts: [host],
    tls,
  });
  const secret = secretFor(host);
  return {
    object: {
      apiVersion: `networking.istio.io/${ground.istioVersion}`,
      kind: "Gateway",
      metadata: { name: freeName(ground, "Gateway", ground.service), namespace: ground.namespace },
      spec: {
        selector: ingress,
        servers: [
          server(80, "HTTP", { httpsRedirect: true }),
          server(443, "HTTPS", { mode: "SIMPLE", credentialName: secret }),
        ],
      },
    },
    whys: [{ kind: "gateway", host, secret, namespace: "istio-system" }],
  };
};
