import type { RouteKind } from "../release/route-kind.ts";

/** What people have to know of a kind when they take a route into their own hands. */
type RouteKindWords = {
  /** As kubectl calls it. */
  readonly resource: string;
  /** As a configuration calls it. */
  readonly key: string;
  /** Begins a sentence. */
  readonly nonePins: (host: string, subset: string) => string;
  /** How requests for a host are kept on one subset of its pods before there is a release. */
  readonly toPin: (host: string, subset: string) => string;
  /** How whoever calls a Service comes to follow the route that sends to a host. */
  readonly toCover: (service: string, host: string) => string;
  /** How clients in the mesh that call a Service come to follow the route: half a sentence. */
  readonly toMesh: (service: string) => string;
  /** How clients in the mesh come to follow routes that only gateways follow. */
  readonly toReachMesh: (host: string, subset: string) => string;
};

const ofGatewayApi = (kind: RouteKind, key: string): RouteKindWords => ({
  resource: `${kind.toLowerCase()}s.gateway.networking.k8s.io`,
  key,
  // Versions are Services there, and have no subsets: such a release is refused before it comes to this.
  nonePins: (host, subset) => `No ${kind} sends the requests for ${host} to stable's subset ${subset}`,
  toPin: () => "Give each version a Service of its own.",
  toCover: (service) => `Add ${service} to the parentRefs of the ${kind} (group: "", kind: Service)`,
  toMesh: (service) => `add Service ${service} to the parentRefs of the ${kind}`,
  toReachMesh: (host) => `If there are such clients, add ${host} to its parentRefs (kind: Service).`,
});

export const routeKindWords: Readonly<Record<RouteKind, RouteKindWords>> = {
  VirtualService: {
    resource: "virtualservice",
    key: "virtualService",
    nonePins: (host, subset) => `No VirtualService sends the requests for ${host} to stable's subset ${subset}`,
    toPin: (host, subset) => `Apply a VirtualService for ${host} whose only destination is subset ${subset} first.`,
    toCover: (service, host) => `Add ${service} to the hosts of the VirtualService that pins ${host}`,
    toMesh: (service) => `add mesh to the gateways of the VirtualService and ${service} to its hosts`,
    toReachMesh: (host, subset) =>
      `If there are such clients, add mesh to its gateways and ${host} to its hosts, or another VirtualService that sends them to subset ${subset}, and name it under routes, too.`,
  },
  HTTPRoute: ofGatewayApi("HTTPRoute", "httpRoute"),
  GRPCRoute: ofGatewayApi("GRPCRoute", "grpcRoute"),
  TLSRoute: ofGatewayApi("TLSRoute", "tlsRoute"),
  TCPRoute: ofGatewayApi("TCPRoute", "tcpRoute"),
};
