import type { WeightedDestination } from "../istio/destination.ts";
import { covers, type Host, readHost } from "../istio/host.ts";
import { hostsOf, type RouteSection, rulesOf } from "../istio/virtual-service.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Target } from "../release/target.ts";

/** A rule that sends somewhere, of any protocol, with its place in words. */
export type PlacedRule = {
  readonly virtualService: KubernetesObject;
  readonly section: RouteSection;
  readonly word: string;
  readonly destinations: readonly WeightedDestination[];
};

export const wordOf = ({ kind, metadata }: KubernetesObject): string =>
  `${kind} ${metadata.namespace}/${metadata.name}`;

export const placedRules = (virtualService: KubernetesObject): readonly PlacedRule[] =>
  rulesOf(virtualService).map(({ section, index, name, destinations }) => {
    const route = name === undefined ? `${section} route #${index}` : `route "${name}"`;
    return { virtualService, section, word: `${wordOf(virtualService)}: ${route}`, destinations };
  });

export const hostOf = ({ namespace }: Target, { host }: { readonly host: string }): Host => readHost(host, namespace);

/** Whether requests for this Service are routed by the VirtualService: one of its hosts is the Service's, or a wildcard over it. */
export const routes = (virtualService: KubernetesObject, host: Host): boolean =>
  hostsOf(virtualService).some((each) => covers(each, host));
