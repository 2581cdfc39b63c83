import type { Destination, WeightedDestination } from "../istio/destination.ts";
import { subsetFor } from "../istio/destination-rule.ts";
import { gatewayKinds, gatewayRouteRules } from "../istio/gateway-route.ts";
import { type Host, readHost, sameHost } from "../istio/host.ts";
import type { RouteRule } from "../istio/route-rule.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { rulesOf } from "../istio/virtual-service.ts";
import { carries, type Labels } from "../kubernetes/selector.ts";
import { type InitGround, ofKind } from "./ground.ts";

export const serviceHost = ({ service, namespace }: InitGround): Host => readHost(service, namespace);

/** As it is written in objects of any namespace. */
export const fullHost = ({ service, namespace }: InitGround): string => `${service}.${namespace}.svc.cluster.local`;

export const isOfService = (ground: InitGround, { host }: Destination): boolean => sameHost(host, serviceHost(ground));

/** Whether a destination's requests get to pods with these labels. */
export function reachesPods(ground: InitGround, { host, subset }: Destination, labels: Labels): boolean {
  const service = serviceBehind(ofKind(ground, "Service"), host);
  const selector = service && selectorOfService(service);
  if (!selector || !carries(labels, selector)) return false;
  if (subset === undefined) return true;
  const found = subsetFor(ofKind(ground, "DestinationRule"), host, subset);
  return found !== undefined && carries(labels, found.labels);
}

const allRules = (ground: InitGround): readonly RouteRule[] => [
  ...ofKind(ground, "VirtualService").flatMap(rulesOf),
  ...gatewayKinds.flatMap(({ kind }) => ofKind(ground, kind).flatMap(gatewayRouteRules)),
];

const isNarrowed = (ground: InitGround, { subset, host }: WeightedDestination): boolean =>
  subset !== undefined || !sameHost(host, serviceHost(ground));

/** Whether some route sends requests to one version's pods, and to no others' by the same destination. */
export const isSentTo = (ground: InitGround, labels: Labels): boolean =>
  allRules(ground).some(({ destinations }) =>
    destinations.some((one) => one.counts > 0 && isNarrowed(ground, one) && reachesPods(ground, one, labels)),
  );
