import type { RequestListener } from "node:http";
import { type Side, servesSide } from "./match.ts";
import type { Mesh, WeightedDestination } from "./objects.ts";
import { endpointsOf, fullName, serviceNamed } from "./route.ts";

/** What the admin port of an Envoy shows of the mesh as it is followed now, as far as releases read it. */
export const serveAdmin =
  (mesh: () => Mesh, side: Side): RequestListener =>
  (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const dump = pathname === "/config_dump" ? dumps[searchParams.get("resource") ?? ""] : undefined;
    const isNamed = new RegExp(`^(?:${searchParams.get("name_regex") ?? ".*"})$`);
    if (dump === undefined) response.writeHead(404).end("not found in config dump");
    else response.end(JSON.stringify({ configs: dump(mesh(), side).filter(({ name }) => isNamed.test(name)) }));
  };

type Config = { readonly name: string; readonly [field: string]: unknown };

const dumps: Readonly<Record<string, (mesh: Mesh, side: Side) => readonly Config[]>> = {
  dynamic_route_configs: (mesh, side) =>
    followedBy(mesh, side).flatMap(({ metadata, spec }) =>
      spec.http.map(({ route }, index) => ({
        name: `${metadata.namespace}/${metadata.name}/${index}`,
        metadata: originOf(metadata),
        route: divided(mesh, route, metadata.namespace),
      })),
    ),
  // At a gateway a listener says nothing of where it comes from.
  dynamic_listeners: (mesh, side) =>
    followedBy(mesh, side).flatMap(({ metadata, spec }) =>
      [...spec.tls, ...spec.tcp].map(({ route }, index) => ({
        name: `${metadata.namespace}/${metadata.name}/${index}`,
        metadata: side === "mesh" ? originOf(metadata) : {},
        active_state: { typed_config: divided(mesh, route, metadata.namespace) },
      })),
    ),
  dynamic_endpoint_configs: (mesh, side) =>
    mesh.services.flatMap((service) => {
      const host = fullName(service.metadata.name, service.metadata.namespace);
      const subsets = mesh.destinationRules.flatMap(({ spec }) => spec.subsets).map(({ name }) => name);
      return [undefined, ...new Set(subsets)].flatMap((subset) =>
        service.spec.ports.flatMap(({ port }) => {
          const client = { namespace: service.metadata.namespace, side };
          const endpoints = endpointsOf(mesh, service, { host, subset, port: { number: port } }, client);
          if (endpoints === undefined) return [];
          const addresses = endpoints.map(({ pod }) => ({
            endpoint: { address: { socket_address: { address: pod.status.podIP } } },
          }));
          const name = `outbound|${port}|${subset ?? ""}|${host}`;
          return [{ name, endpoint_config: { cluster_name: name, endpoints: [{ lb_endpoints: addresses }] } }];
        }),
      );
    }),
};

const followedBy = ({ virtualServices }: Mesh, side: Side): Mesh["virtualServices"] =>
  virtualServices.filter(({ spec }) => servesSide(spec.gateways, side));

const originOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): object => ({
  filter_metadata: {
    istio: { config: `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}` },
  },
});

function divided(mesh: Mesh, route: readonly WeightedDestination[], namespace: string): object {
  const clusters = route.map(({ destination: { host, subset = "", port }, weight }) => {
    const full = fullName(host, namespace);
    const number = port?.number ?? serviceNamed(mesh, full)?.spec.ports[0]?.port;
    return { name: `outbound|${number}|${subset}|${full}`, weight };
  });
  return clusters.length === 1 ? { cluster: clusters[0]?.name } : { weighted_clusters: { clusters } };
}
