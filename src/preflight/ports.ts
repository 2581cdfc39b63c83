import type { Destination } from "../istio/destination.ts";
import { readHost, sameHost } from "../istio/host.ts";
import { serviceBehind } from "../istio/service.ts";
import { field, listAt, numberAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Finding } from "../ports/preflight.ts";
import type { Version } from "../release/target.ts";
import { note, refuse, warn } from "./finding.ts";
import { type PlacedRule, placedRules } from "./mesh.ts";
import type { Scene } from "./scene.ts";

type Port = { readonly number: number; readonly name: string; readonly protocol: string; readonly target: unknown };

const portsOf = (service: KubernetesObject): readonly Port[] =>
  listAt(service, "spec", "ports").map((port) => ({
    number: numberAt(port, "port") ?? 0,
    name: textAt(port, "name") ?? "",
    // https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    protocol: (textAt(port, "appProtocol") ?? textAt(port, "name")?.split("-")[0] ?? "").toLowerCase(),
    target: field(port, "targetPort"),
  }));

const serviceOf = ({ services, target }: Scene, { host }: Version): KubernetesObject | undefined =>
  serviceBehind(services, readHost(host, target.namespace));

/** Each destination of stable's, in the release's VirtualServices, with the rule it stands in. */
function destinationsOfStable({
  virtualServices,
  target,
}: Scene): readonly { readonly rule: PlacedRule; readonly destination: Destination }[] {
  const named = virtualServices.filter(({ metadata }) =>
    target.routes.some(({ namespace, name }) => namespace === metadata.namespace && name === metadata.name),
  );
  return named
    .flatMap(placedRules)
    .flatMap((rule) => rule.destinations.map((destination) => ({ rule, destination })))
    .filter(
      ({ destination: { host, subset } }) =>
        subset === target.stable.subset && sameHost(host, readHost(target.stable.host, target.namespace)),
    );
}

/** The canary's destination is made like stable's, with its port: both Services need it. */
export function portsExist(scene: Scene): readonly Finding[] {
  const { target } = scene;
  const services = [...new Set([target.stable, target.canary].flatMap((version) => serviceOf(scene, version) ?? []))];
  const found = destinationsOfStable(scene).flatMap(({ rule, destination }) =>
    services.flatMap((service) => portOf(service, rule, destination) ?? []),
  );
  return unique(found);
}

function portOf(service: KubernetesObject, { word }: PlacedRule, { port }: Destination): Finding | undefined {
  const ports = portsOf(service);
  const name = `Service ${service.metadata.namespace}/${service.metadata.name}`;
  const list = ports.map(({ number }) => number).join(", ") || "none";
  if (port === undefined) {
    if (ports.length <= 1) return undefined;
    return warn(
      `${word} names no port, and ${name} has several (${list}): a gateway cannot tell which is meant (IST0112).`,
      "Add port.number to stable's destination.",
    );
  }
  return ports.some(({ number }) => number === port)
    ? undefined
    : refuse(
        `${word} sends to port ${port}, which ${name} does not have (ports: ${list}; IST0101).`,
        "Correct the port of the route or of the Service.",
      );
}

const unique = (findings: readonly Finding[]): readonly Finding[] => [
  ...new Map(findings.map((finding) => [finding.what, finding])).values(),
];

const http = new Set(["http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"]);
const opaque = new Set(["tcp", "tls", "https", "mongo", "mysql", "redis", "udp"]);

/** Whether http routes apply to a port at all is decided by its name or appProtocol. */
export function portsSpeakHttp(scene: Scene): readonly Finding[] {
  const used = destinationsOfStable(scene).filter(({ rule }) => rule.section === "http");
  const service = serviceOf(scene, scene.target.stable);
  if (!service || used.length === 0) return [];
  const ports = portsOf(service).filter(({ number }) =>
    used.some(({ destination }) => destination.port === undefined || destination.port === number),
  );
  const name = `Service ${service.metadata.namespace}/${service.metadata.name}`;
  return ports.flatMap(({ number, name: own, protocol }): readonly Finding[] => {
    if (http.has(protocol)) return [];
    if (opaque.has(protocol))
      return [
        warn(
          `${name}: port ${number} (${own}) is declared as ${protocol}, so http routes do not apply to it.`,
          "Name it http-…, or set appProtocol: http.",
        ),
      ];
    return [
      note(
        `${name}: port ${number} does not say its protocol by name or appProtocol, so Istio looks at the first bytes (IST0118).`,
        "Name it http, or set appProtocol: http.",
      ),
    ];
  });
}

/** A targetPort by name has to have that name in the canary's containers, too; otherwise its pods get no endpoint. */
export function portNamesExist(scene: Scene): readonly Finding[] {
  const { planned, target } = scene;
  const service = serviceOf(scene, target.canary);
  if (!service || planned === undefined || "problem" in planned) return [];
  const names = planned.deployment.containers.flatMap(({ portNames }) => portNames);
  return portsOf(service)
    .filter(({ target: to }) => typeof to === "string" && !names.includes(to))
    .map(({ target: to }) =>
      refuse(
        `Service ${service.metadata.namespace}/${service.metadata.name} sends to the container port named ${String(to)}, which the pods of Deployment ${planned.deployment.namespace}/${planned.deployment.name} do not have (names: ${names.join(", ") || "none"}).`,
        "Name the port in the canary's pod template.",
      ),
    );
}
