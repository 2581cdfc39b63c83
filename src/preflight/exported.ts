import { exportOfService, serviceBehind } from "../istio/service.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { elsewhere, namespacesBehind, type RouteFact } from "../ports/route-family.ts";
import { routeWord } from "../release/route-kind.ts";
import { listed } from "./finding.ts";
import type { Scene } from "./scene.ts";

type Namespaces = readonly string[] | undefined;

/** Clients elsewhere that know the Service, and not the route that divides its requests. */
export function routesAreExported({ routes, services, hosts }: Scene): readonly Finding[] {
  const service = serviceBehind(services, hosts.stable);
  if (!service) return [];
  return routes
    .filter(({ moves }) => moves)
    .flatMap(({ route, seenBy }) =>
      seenBy.flatMap(({ who, namespaces }) => {
        if (who !== "mesh" || !namespaces || isWithin(exportOfService(service), namespaces)) return [];
        return [
          warn(
            `${routeWord(route)} is exported to ${listed(namespaces)} only (exportTo): clients in other namespaces see none of its weights, and call every pod of Service ${service.metadata.name}.`,
            `Export it to whoever calls the service. Where nobody else does, say so: kubectl annotate service ${service.metadata.name} -n ${service.metadata.namespace} networking.istio.io/exportTo=${namespaces.join(",")}`,
          ),
        ];
      }),
    );
}

const isWithin = (some: Namespaces, all: readonly string[]): boolean =>
  some?.every((namespace) => all.includes(namespace)) ?? false;

/** Where the canary has a Service of its own, a proxy that knows stable's alone answers 503 (NC) for the canary's share. */
export function canaryServiceIsExported({ routes, services, hosts }: Scene): readonly Finding[] {
  const [stable, canary] = [serviceBehind(services, hosts.stable), serviceBehind(services, hosts.canary)];
  if (!stable || !canary || stable === canary) return [];
  const [ofStable, ofCanary] = [exportOfService(stable), exportOfService(canary)];
  const { namespace = "", name } = canary.metadata;
  const viewers = routes.filter(({ moves }) => moves).flatMap(({ seenBy }: RouteFact) => seenBy);
  const blind = viewers
    .flatMap((viewer) => namespacesBehind(viewer, namespace))
    .filter((one) => knows(ofStable, one) && !knows(ofCanary, one));
  if (blind.length === 0) return [];
  const where = listed([...new Set(blind.map((one) => (one === elsewhere ? "other namespaces" : one)))]);
  return [
    refuse(
      `Service ${namespace}/${name} is not exported to ${where} (networking.istio.io/exportTo), and Service ${stable.metadata.name} is: the canary's share of the requests from there would be answered with 503 (NC).`,
      `Give both the same annotation networking.istio.io/exportTo.`,
    ),
  ];
}

const knows = (exported: Namespaces, namespace: string): boolean => !exported || exported.includes(namespace);
