import { sameHost } from "../istio/host.ts";
import { portsOf, type ServicePort, serviceBehind } from "../istio/service.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { coded, type Finding, note, refuse, toldOnce, warn } from "../ports/preflight.ts";
import type { RoutedDestination, RouteFact } from "../ports/route-family.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

const wordOf = ({ metadata }: KubernetesObject): string => `Service ${metadata.namespace}/${metadata.name}`;

type StableDestination = { readonly fact: RouteFact; readonly destination: RoutedDestination };

/** Each destination of stable's, in the release's own routes. */
const destinationsOfStable = ({ routes, hosts, target }: Scene): readonly StableDestination[] =>
  routes
    .filter(({ isChosen }) => isChosen)
    .flatMap((fact) => fact.destinations.map((destination) => ({ fact, destination })))
    .filter(
      ({ destination: { host, subset, mirror } }) =>
        !mirror && subset === target.stable.subset && sameHost(host, hosts.stable),
    );

/** The canary's destination is made like stable's, with its port: both Services need it. */
export function portsExist(scene: Scene): readonly Finding[] {
  const { services, hosts } = scene;
  const both = new Set([hosts.stable, hosts.canary].flatMap((host) => serviceBehind(services, host) ?? []));
  const findings = destinationsOfStable(scene).flatMap((used) =>
    [...both].flatMap((service) => portOf(service, used) ?? []),
  );
  return toldOnce(findings);
}

function portOf(service: KubernetesObject, { fact, destination }: StableDestination): Finding | undefined {
  const ports = portsOf(service);
  const list = ports.map(({ number }) => number).join(", ") || "none";
  const { port } = destination;
  if (port === undefined) {
    if (ports.length <= 1) return undefined;
    return coded(
      "IST0112",
      warn(
        `${fact.where} names no port, and ${wordOf(service)} has several (${list}): a gateway cannot tell which is meant (IST0112).`,
        "Add port.number to stable's destination.",
      ),
    );
  }
  if (ports.some(({ number }) => number === port)) return undefined;
  return coded(
    "IST0101",
    refuse(
      `${fact.where} sends to port ${port}, which ${wordOf(service)} does not have (ports: ${list}; IST0101).`,
      "Correct the port of the route or of the Service.",
    ),
  );
}

const http = new Set(["http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"]);
const opaque = new Set(["tcp", "tls", "https", "mongo", "mysql", "redis", "udp"]);

/** Whether routes of a section apply to a port at all is decided by its name or appProtocol. */
export function portsSpeakProtocol(scene: Scene): readonly Finding[] {
  const service = serviceBehind(scene.services, scene.hosts.stable);
  if (!service) return [];
  const used = destinationsOfStable(scene);
  return portsOf(service).flatMap((port) => {
    const facts = used
      .filter(({ destination }) => destination.port === undefined || destination.port === port.number)
      .map(({ fact }) => fact);
    const where = wordOf(service);
    const [opaque] = facts.filter(
      ({ section, seenBy }) => section !== "http" && seenBy.some(({ who }) => who === "mesh"),
    );
    const ofHttp = facts.some(({ section }) => section === "http") ? notHttp(port, where) : [];
    const ofOthers = opaque ? isHttp(port, where, opaque) : [];
    return [...ofHttp, ...ofOthers];
  });
}

/** A sidecar takes the routes of HTTP there, and gateways do not mind. */
const isHttp = ({ number, name, protocol }: ServicePort, where: string, { section }: RouteFact): readonly Finding[] =>
  http.has(protocol)
    ? [
        warn(
          `${where}: port ${number} (${name}) is declared as ${protocol}, so ${section} routes do not apply to it in the mesh.`,
          "Name it tcp-… or tls-…, or set appProtocol.",
        ),
      ]
    : [];

function notHttp(port: ServicePort, where: string): readonly Finding[] {
  const finding = protocolOf(port, where);
  if (finding) return [finding];
  return [];
}

function protocolOf({ number, name, protocol }: ServicePort, where: string): Finding | undefined {
  if (http.has(protocol)) return undefined;
  if (opaque.has(protocol))
    return warn(
      `${where}: port ${number} (${name}) is declared as ${protocol}, so http routes do not apply to it.`,
      "Name it http-…, or set appProtocol: http.",
    );
  return coded(
    "IST0118",
    note(
      `${where}: port ${number} does not say its protocol by name or appProtocol, so Istio looks at the first bytes (IST0118).`,
      "Name it http, or set appProtocol: http.",
    ),
  );
}

/** A targetPort by name has to have that name in the canary's containers, too; otherwise its pods get no endpoint. */
export function portNamesExist({ services, hosts, planned }: Scene): readonly Finding[] {
  const service = serviceBehind(services, hosts.canary);
  const canary = plannedDeployment(planned);
  if (!service || !canary) return [];
  const { namespace, name, containers } = canary;
  const names = containers.flatMap(({ portNames }) => portNames);
  return portsOf(service)
    .filter(({ target: to }) => typeof to === "string" && !names.includes(to))
    .map(({ target: to }) =>
      refuse(
        `${wordOf(service)} sends to the container port named ${String(to)}, which the pods of Deployment ${namespace}/${name} do not have (names: ${names.join(", ") || "none"}).`,
        "Name the port in the canary's pod template.",
      ),
    );
}
