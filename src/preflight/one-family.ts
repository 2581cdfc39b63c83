import { type Host, sameHost } from "../istio/host.ts";
import type { RouteSection } from "../istio/route-rule.ts";
import { type Finding, refuse, toldOnce } from "../ports/preflight.ts";
import type { RouteFact } from "../ports/route-family.ts";
import type { Scene } from "./scene.ts";

/** A rule that clients in the mesh follow when they call some Services. */
type RuleForCalls = { readonly where: string; readonly section: RouteSection; readonly hosts: readonly Host[] };

const inMesh = ({ where, section, seenBy }: RouteFact): RuleForCalls => ({
  where,
  section,
  hosts: seenBy.filter(({ who }) => who === "mesh").flatMap(({ hosts }) => hosts),
});

const isClassic = ({ route }: RouteFact): boolean => route.kind === "VirtualService";

/**
 * Istio makes a VirtualService of each route of the Gateway API, and a sidecar takes one alone for a host: of both
 * kinds those of the Gateway API in its own namespace first, then the oldest (istio/istio
 * pilot/pkg/model/push_context.go). Officially it is undefined:
 * https://istio.io/latest/docs/ambient/usage/l7-features/
 */
export function oneFamilyForAHost({ routes, gatewayRules }: Scene): readonly Finding[] {
  const moved = routes.filter(({ moves }) => moves);
  const ofGatewayApi = [
    ...routes.filter((fact) => !isClassic(fact)).map(inMesh),
    ...gatewayRules.map(({ services: hosts, ...rule }): RuleForCalls => ({ ...rule, hosts })),
  ];
  const classic = routes.filter(isClassic).map(inMesh);
  const findings = moved.flatMap((fact) => {
    const own = inMesh(fact);
    const others = isClassic(fact) ? ofGatewayApi : classic;
    return others.filter((other) => meet(own, other)).map((other) => both(own, other));
  });
  return toldOnce(findings);
}

const meet = (one: RuleForCalls, other: RuleForCalls): boolean =>
  one.section === other.section && one.hosts.some((host) => other.hosts.some((same) => sameHost(host, same)));

const both = (own: RuleForCalls, other: RuleForCalls): Finding =>
  refuse(
    `${own.where} and ${other.where} are for the same calls in the mesh, and Istio does not support VirtualServices and routes of the Gateway API for one host: sidecars take one of the two alone (one of the Gateway API in their own namespace first, else the older), so it is not known who follows the weights.`,
    "Leave one: take the host out of the VirtualService, or the Service out of the other's parentRefs.",
  );
