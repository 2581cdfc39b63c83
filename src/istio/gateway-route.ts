import { field, listAt, numberAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { type Destination, numberOr, type WeightedDestination } from "./destination.ts";
import { type Host, readHost } from "./host.ts";
import { parentRefsOf } from "./route-parent.ts";
import type { Mirror, RouteRule, RouteSection } from "./route-rule.ts";

export const gatewayGroup = "gateway.networking.k8s.io";

/** The kinds that name backends. */
export const gatewayKinds = [
  { plural: "httproutes", kind: "HTTPRoute" },
  { plural: "grpcroutes", kind: "GRPCRoute" },
  { plural: "tlsroutes", kind: "TLSRoute" },
  { plural: "tcproutes", kind: "TCPRoute" },
] as const;

export const gatewayRoutes: readonly string[] = gatewayKinds.map(({ plural }) => plural);

const sections: Readonly<Record<string, RouteSection>> = { TLSRoute: "tls", TCPRoute: "tcp" };

export const gatewaySection = (kind: string): RouteSection => sections[kind] ?? "http";

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec; those of gRPC, TLS and TCP have the same shape. */
export const gatewayRouteRules = (route: KubernetesObject): readonly RouteRule[] =>
  listAt(route, "spec", "rules").map((rule, index) => {
    const { namespace = "" } = route.metadata;
    const redirects = listAt(rule, "filters").some((filter) => textAt(filter, "type") === "RequestRedirect");
    return {
      section: gatewaySection(route.kind),
      path: `/spec/rules/${index}`,
      index,
      place: `#${index}`,
      name: textAt(rule, "name") || undefined,
      addresses: [],
      match: field(rule, "matches"),
      destinations: readBackends(listAt(rule, "backendRefs"), namespace),
      mirrors: listAt(rule, "filters").flatMap((filter) => mirrorOf(filter, namespace) ?? []),
      instead: redirects ? "RequestRedirect" : undefined,
      delegate: undefined,
      // The most specific match wins, and not the first.
      takesEverything: false,
      raw: objectAt(rule),
    };
  });

/**
 * The backends of one rule. An omitted weight is 1, and a single backend of weight 0 gets no request:
 * https://gateway-api.sigs.k8s.io/reference/spec/#backendref
 */
export const readBackends = (list: readonly unknown[], namespace: string): readonly WeightedDestination[] =>
  list.map((one) => {
    const raw = objectAt(one);
    return { ...readBackend(raw, namespace), weight: raw.weight, counts: numberOr(raw.weight, 1), raw };
  });

function mirrorOf(filter: unknown, namespace: string): Mirror | undefined {
  const destination = mirroredTo(filter, namespace);
  return destination && { ...destination, share: mirroredShare(filter) };
}

/** Where a filter sends copies; undefined for one that does something else. */
export const mirroredTo = (filter: unknown, namespace: string): Destination | undefined =>
  textAt(filter, "type") === "RequestMirror"
    ? readBackend(field(filter, "requestMirror", "backendRef"), namespace)
    : undefined;

function mirroredShare(filter: unknown): number {
  const percent = numberAt(filter, "requestMirror", "percent");
  if (percent !== undefined) return percent / 100;
  const numerator = numberAt(filter, "requestMirror", "fraction", "numerator");
  const denominator = numberAt(filter, "requestMirror", "fraction", "denominator") ?? 100;
  if (numerator === undefined) return 1;
  return numerator / (denominator || 1);
}

/** By its Service, or, as Istio allows it, by the host of one. Other kinds of backend have no pods of a Deployment. */
const kindsWithPods = ["/Service", "networking.istio.io/Hostname"];

function readBackend(backend: unknown, namespace: string): Destination {
  const kind = `${textAt(backend, "group") ?? ""}/${textAt(backend, "kind") ?? "Service"}`;
  const name = textAt(backend, "name") ?? "";
  const isService = kindsWithPods.includes(kind);
  const host = isService
    ? readHost(name, textAt(backend, "namespace") ?? namespace)
    : { text: name === "" ? "" : `${kind}/${name}`, service: undefined, domain: undefined };
  return { host, subset: undefined, port: numberAt(backend, "port") };
}

/** `share` is the part of the rule's requests that it gets, or gets copies of, 0 to 1. */
export type Backend = Destination & { readonly share: number; readonly mirror: boolean };

/** A rule of a route of the Gateway API that is no part of a release: read for whom it sends requests to. */
export type GatewayRule = {
  /** `HTTPRoute shop/reviews: rule #0`, or by its name. */
  readonly where: string;
  readonly section: RouteSection;
  /** The Services whose clients in the mesh follow it. */
  readonly services: readonly Host[];
  readonly destinations: readonly Backend[];
};

export const gatewayRulesOf = (route: KubernetesObject): readonly GatewayRule[] =>
  gatewayRouteRules(route).map(({ section, name, index, destinations, mirrors }) => {
    const sum = destinations.reduce((all, { counts }) => all + counts, 0);
    const word = name === undefined ? `rule #${index}` : `rule "${name}"`;
    const { namespace = "", name: ofRoute } = route.metadata;
    return {
      where: `${route.kind} ${namespace}/${ofRoute}: ${word}`,
      section,
      services: parentRefsOf(route)
        .filter(({ kind }) => kind === "Service")
        .map((parent) => readHost(parent.name, parent.namespace)),
      destinations: [
        ...destinations.map(({ host, subset, port, counts }) => ({
          host,
          subset,
          port,
          share: counts / (sum || 1),
          mirror: false,
        })),
        ...mirrors.map((one) => ({ ...one, mirror: true })),
      ],
    };
  });
