import type { Destination, Raw, WeightedDestination } from "../../istio/destination.ts";
import { gatewayRouteRules, gatewaySection, mirroredTo, readBackends } from "../../istio/gateway-route.ts";
import { writtenLike } from "../../istio/host.ts";
import { textAt } from "../../kubernetes/field.ts";
import type { RouteKind } from "../../release/route-kind.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { narrowedMatches } from "./narrowed-matches.ts";
import { responseCookie } from "./response-cookie.ts";

/** How routes of the Gateway API hold their rules; kinds differ by name alone. */
export const gatewayShape = (kind: RouteKind): RouteShape => ({
  kind,
  words: { rule: "rule", toMove: "Name one that has rules with backendRefs." },
  rulesOf: gatewayRouteRules,
  sections: { [gatewaySection(kind)]: "rules" },
  destinations: "backendRefs",
  read: readBackends,
  named,
  match: "matches",
  firstWins: false,
  narrowed: narrowedMatches(kind),
  // One of weight 0 would get nothing.
  alone: (backend) => ({ ...backend, weight: 1 }),
  ...(kind === "HTTPRoute" && { cookies: responseCookie }),
  copies: {
    single: [],
    list: "filters",
    ofSingle: () => undefined,
    ofEntry: mirroredTo,
    ...(gatewaySection(kind) === "http" && { entryFor: requestMirror }),
  },
  maxWeight: 1_000_000,
});

/**
 * https://gateway-api.sigs.k8s.io/geps/gep-3171/. Without a percent it is all of them, for versions of the API that know
 * none.
 */
const requestMirror = ({ weight: _, filters: __, ...backendRef }: Raw, percent: number): Raw => ({
  type: "RequestMirror",
  requestMirror: percent === 100 ? { backendRef } : { backendRef, percent },
});

/** Another Service in stable's place; its namespace stands there only where it is not the route's. */
function named({ host, raw }: WeightedDestination, version: Destination, namespace: string): Raw {
  if (textAt(raw, "kind") === "Hostname") return { ...raw, name: writtenLike(host, version.host) };
  const { service } = version.host;
  if (!service) return { ...raw, name: version.host.text };
  const { namespace: _, ...rest } = raw;
  if (service.namespace === host.service?.namespace) return { ...raw, name: service.name };
  return service.namespace === namespace
    ? { ...rest, name: service.name }
    : { ...rest, name: service.name, namespace: service.namespace };
}
