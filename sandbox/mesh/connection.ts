import { type Side, servesSide } from "./match.ts";
import type { ConnectionRule, Mesh, Pod, VirtualService } from "./objects.ts";
import { choose, endpointsOf, fullName, mostSpecific, serviceNamed } from "./route.ts";

/** A connection that somebody opens. */
export type Opening = {
  /** The Service that is called, by its full name, or the host of a gateway. */
  readonly host: string;
  readonly port: number;
  /** The server's name, where TLS begins with it. */
  readonly sni?: string;
  readonly side?: Side;
};

/** Decides to whom a connection goes, once, as it is opened. Undefined: it is closed again. */
export function connection(
  mesh: Mesh,
  opening: Opening,
  random: () => number,
): { readonly pod: Pod; readonly port: number } | undefined {
  const { host, side = "mesh" } = opening;
  const followed = mesh.virtualServices.filter(({ spec }) => servesSide(spec.gateways, side));
  const found = mostSpecific(followed, [host]);
  // SNI is looked at before anything else is known; then the port alone counts.
  const [by, service] = [firstRule(found, opening), serviceNamed(mesh, host)];
  const [rule, namespace] = by ?? [undefined, service?.metadata.namespace ?? ""];
  const chosen = rule ? choose(rule.route, random)?.destination : service && { host, port: { number: opening.port } };
  const to = chosen && serviceNamed(mesh, fullName(chosen.host, namespace));
  const endpoints = (chosen && to && endpointsOf(mesh, to, chosen, { namespace, side })) ?? [];
  return endpoints[Math.floor(random() * endpoints.length)];
}

function firstRule(
  virtualServices: readonly VirtualService[],
  { port, sni, side = "mesh" }: Opening,
): readonly [ConnectionRule, string] | undefined {
  const fits = ({ match }: ConnectionRule, isTls: boolean): boolean =>
    (match.length === 0 && !isTls) ||
    match.some(
      (block) =>
        (block.port === undefined || block.port === port) &&
        (block.gateways === undefined || servesSide(block.gateways, side)) &&
        (!isTls || block.sniHosts.some((host) => isNamed(host, sni ?? ""))),
    );
  const found = (section: "tls" | "tcp", isTls: boolean) =>
    virtualServices.flatMap(({ spec, metadata }) =>
      spec[section].filter((rule) => fits(rule, isTls)).map((rule) => [rule, metadata.namespace] as const),
    )[0];
  return (sni === undefined ? undefined : found("tls", true)) ?? found("tcp", false);
}

const isNamed = (pattern: string, name: string): boolean =>
  pattern.startsWith("*") ? name.endsWith(pattern.slice(1)) : pattern === name;
