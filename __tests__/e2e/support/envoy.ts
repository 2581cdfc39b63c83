import { setTimeout as sleep } from "node:timers/promises";
import type { Bed } from "./bed.ts";

/** One destination of a route as Envoy has it. */
export type EnvoyDestination = {
  readonly host: string;
  readonly subset: string;
  readonly port: number;
  readonly weight: number;
};
export type EnvoyRoute = { readonly name: string; readonly destinations: readonly EnvoyDestination[] };

type RouteAction = {
  readonly cluster?: string;
  readonly weighted_clusters?: { readonly clusters: readonly { readonly name: string; readonly weight?: number }[] };
};
type VirtualHost = {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes?: readonly { readonly name?: string; readonly route?: RouteAction }[];
};
type ConfigDump = {
  readonly configs?: readonly {
    readonly route_config?: { readonly name: string; readonly virtual_hosts?: readonly VirtualHost[] };
  }[];
};

/**
 * The routes that an Envoy really has for a host, in order, read from its config dump; empty when it has none.
 * `admin` is the ingress gateway's by default. A single destination has weight 100.
 */
export async function envoyRoutes(
  bed: Bed,
  host: string,
  admin: string = bed.envoyAdmin,
): Promise<readonly EnvoyRoute[]> {
  const response = await fetch(`${admin}/config_dump?resource=dynamic_route_configs`);
  const { configs = [] } = (await response.json()) as ConfigDump;
  const hosts = configs
    .flatMap(({ route_config }) => route_config?.virtual_hosts ?? [])
    .filter(({ domains }) => domains.includes(host));
  return (hosts[0]?.routes ?? []).map(({ name = "", route }) => ({ name, destinations: destinationsOf(route) }));
}

/** The weights of a host's first route by subset, or by host where there are no subsets: `{ v1: 90, v2: 10 }`. */
export async function envoyWeights(bed: Bed, host: string, admin?: string): Promise<Readonly<Record<string, number>>> {
  const [first] = await envoyRoutes(bed, host, admin);
  return Object.fromEntries(
    (first?.destinations ?? []).map(({ subset, host: service, weight }) => [
      subset || (service.split(".")[0] ?? service),
      weight,
    ]),
  );
}

/** A route's destinations by subset. */
export const weightsIn = ({ destinations }: EnvoyRoute): Weights =>
  Object.fromEntries(destinations.map(({ subset, weight }) => [subset, weight]));

export type Weights = Readonly<Record<string, number>>;

/** Looks at a host's weights several times a second, and gives what they were, in order, when it is stopped. */
export function recordWeights(
  bed: Bed,
  host: string,
  admin?: string,
): { readonly stop: () => Promise<readonly Weights[]> } {
  const seen: Weights[] = [];
  let stopped = false;
  const look = async (): Promise<void> => {
    const weights = await envoyWeights(bed, host, admin);
    if (JSON.stringify(weights) !== JSON.stringify(seen.at(-1))) seen.push(weights);
  };
  const recording = (async () => {
    for (; !stopped; await sleep(150)) await look();
    await look();
  })();
  return {
    async stop() {
      stopped = true;
      await recording;
      return seen;
    },
  };
}

function destinationsOf(route: RouteAction | undefined): readonly EnvoyDestination[] {
  if (route?.weighted_clusters)
    return route.weighted_clusters.clusters.map(({ name, weight = 0 }) => destination(name, weight));
  return route?.cluster === undefined ? [] : [destination(route.cluster, 100)];
}

/** `outbound|80|v1|shop.demo.svc.cluster.local` */
function destination(cluster: string, weight: number): EnvoyDestination {
  const [, port = "0", subset = "", host = cluster] = cluster.split("|");
  return { host, subset, port: Number(port), weight };
}
