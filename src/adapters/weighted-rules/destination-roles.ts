import {
  type Destination,
  type Raw,
  readDestination,
  trafficOf,
  type WeightedDestination,
} from "../../istio/destination.ts";
import { sameHost } from "../../istio/host.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { type Role, roles, type Target } from "../../release/target.ts";
import type { RouteShape } from "./route-shape.ts";

/** The two versions, and the namespace in which their short host names are meant. */
export type VersionPair = Pick<Target, "namespace" | Role>;

/** Which destination is which version's. */
export type DestinationRoles = Readonly<Record<Role, Destination>> & {
  /** Undefined for a third destination. */
  readonly roleOf: (destination: Destination) => Role | undefined;
  /** Every index at which a version stands; more than one when a rule names it by several ports, or twice. */
  readonly indexesOf: (role: Role, destinations: readonly Destination[]) => readonly number[];
  /**
   * The canary's destination for a rule that has stable's alone: a copy of it, with port, headers and whatever else it
   * has, because the canary has to be treated as stable is, and takes its place after a swap.
   */
  readonly canaryLike: (stable: WeightedDestination, namespace: string) => Raw;
};

export function destinationRoles({ named }: Pick<RouteShape, "named">, pair: VersionPair): DestinationRoles {
  const versions = {
    stable: readDestination(pair.stable, pair.namespace),
    canary: readDestination(pair.canary, pair.namespace),
  };
  const roleOf = ({ host, subset }: Destination): Role | undefined =>
    roles.find((role) => subset === versions[role].subset && sameHost(host, versions[role].host));
  return {
    ...versions,
    roleOf,
    indexesOf: (role, destinations) =>
      [...destinations.keys()].filter((index) => {
        const destination = destinations[index];
        return destination && roleOf(destination) === role;
      }),
    canaryLike: (stable, namespace) => named(stable, versions.canary, namespace),
  };
}

/** The versions that get requests of a rule, as often as a destination says so. A weight of 0 is no request. */
export const servedBy = (
  { destinations }: Pick<RouteRule, "destinations">,
  { roleOf }: Pick<DestinationRoles, "roleOf">,
): readonly Role[] =>
  destinations.filter((one) => trafficOf(one, destinations) > 0).flatMap((one) => roleOf(one) ?? []);
