import type { RouteKind } from "../release/route-kind.ts";

/** What people have to know of a kind when they take a route into their own hands. */
type RouteKindWords = {
  /** As kubectl calls it. */
  readonly resource: string;
  /** Begins a sentence. */
  readonly nonePins: (host: string, subset: string) => string;
  /** How requests for a host are kept on one subset of its pods before there is a release. */
  readonly toPin: (host: string, subset: string) => string;
  /** How clients in the mesh come to follow routes that only gateways follow. */
  readonly toReachMesh: (host: string, subset: string) => string;
};

export const routeKindWords: Readonly<Record<RouteKind, RouteKindWords>> = {
  VirtualService: {
    resource: "virtualservice",
    nonePins: (host, subset) => `No VirtualService sends the requests for ${host} to stable's subset ${subset}`,
    toPin: (host, subset) => `Apply a VirtualService for ${host} whose only destination is subset ${subset} first.`,
    toReachMesh: (host, subset) =>
      `If there are such clients, add mesh to its gateways and ${host} to its hosts, or another VirtualService that sends them to subset ${subset}.`,
  },
};
