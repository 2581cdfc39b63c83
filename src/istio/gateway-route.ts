import { field, listAt, numberAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Destination } from "./destination.ts";
import { readHost } from "./host.ts";

export const gatewayGroup = "gateway.networking.k8s.io";

/** The kinds that name backends. */
export const gatewayKinds = [
  { plural: "httproutes", kind: "HTTPRoute" },
  { plural: "grpcroutes", kind: "GRPCRoute" },
  { plural: "tlsroutes", kind: "TLSRoute" },
  { plural: "tcproutes", kind: "TCPRoute" },
] as const;

export const gatewayRoutes: readonly string[] = gatewayKinds.map(({ plural }) => plural);

/** `share` is the part of the rule's requests that it gets, or gets copies of, 0 to 1. */
export type Backend = Destination & { readonly share: number; readonly mirror: boolean };

/** A rule of a route of the Gateway API. These are never moved: they are read for whom they send requests to. */
export type GatewayRule = {
  /** `HTTPRoute shop/reviews: rule #0`, or by its name. */
  readonly where: string;
  readonly destinations: readonly Backend[];
};

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec; those of gRPC, TLS and TCP have the same shape. */
export const gatewayRulesOf = (route: KubernetesObject): readonly GatewayRule[] =>
  listAt(route, "spec", "rules").map((rule, index) => {
    const { namespace = "", name } = route.metadata;
    const called = textAt(rule, "name");
    const word = called === undefined ? `rule #${index}` : `rule "${called}"`;
    return {
      where: `${route.kind} ${namespace}/${name}: ${word}`,
      destinations: [...backendsOf(rule, namespace), ...mirrorsOf(rule, namespace)],
    };
  });

/** An omitted weight is 1. */
function backendsOf(rule: unknown, namespace: string): readonly Backend[] {
  const backends = listAt(rule, "backendRefs");
  const weights = backends.map((backend) => numberAt(backend, "weight") ?? 1);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return backends.flatMap(
    (backend, index) => readBackend(backend, namespace, (weights[index] ?? 0) / (sum || 1)) ?? [],
  );
}

const mirrorsOf = (rule: unknown, namespace: string): readonly Backend[] =>
  listAt(rule, "filters")
    .filter((filter) => textAt(filter, "type") === "RequestMirror")
    .flatMap((filter) => {
      const copy = readBackend(field(filter, "requestMirror", "backendRef"), namespace, mirroredShare(filter));
      return copy ? [{ ...copy, mirror: true }] : [];
    });

function mirroredShare(filter: unknown): number {
  const percent = numberAt(filter, "requestMirror", "percent");
  if (percent !== undefined) return percent / 100;
  const numerator = numberAt(filter, "requestMirror", "fraction", "numerator");
  const denominator = numberAt(filter, "requestMirror", "fraction", "denominator") ?? 100;
  return numerator === undefined ? 1 : numerator / (denominator || 1);
}

/** By its Service, or, as Istio allows it, by the host of one. Other kinds of backend have no pods of a Deployment. */
const kindsWithPods = ["/Service", "networking.istio.io/Hostname"];

function readBackend(backend: unknown, namespace: string, share: number): Backend | undefined {
  const kind = `${textAt(backend, "group") ?? ""}/${textAt(backend, "kind") ?? "Service"}`;
  if (!kindsWithPods.includes(kind)) return undefined;
  const host = readHost(textAt(backend, "name") ?? "", textAt(backend, "namespace") ?? namespace);
  return { host, subset: undefined, port: numberAt(backend, "port"), share, mirror: false };
}
