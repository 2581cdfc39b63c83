import { portsOf, type ServicePort, selectorOfService } from "../istio/service.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries } from "../kubernetes/selector.ts";
import { coded, type Finding, warn } from "../ports/preflight.ts";
import { listed } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

type OwnedPort = ServicePort & { readonly of: string };

/**
 * A proxy listens once at each port of its pod: of Services that mean different things by one port it goes by one.
 * https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements
 */
export function portsAgree({ services, planned, target }: Scene): readonly Finding[] {
  const canary = plannedDeployment(planned);
  if (!canary) return [];
  const over = services.filter((service) => selectsAll(service) && carries(canary.podLabels, selectorOf(service)));
  const ports = over.flatMap((service) => portsOf(service).map((port) => ({ ...port, of: placeWord(service) })));
  const where = `the pods of Deployment ${target.namespace}/${canary.name}`;
  const same = "Give the Services the same port, or each a targetPort of its own.";
  return [
    ...pairsOf(ports, ({ number }) => String(number), kindOfPort).map(([one, other]) =>
      coded(
        "IST0116",
        warn(
          `${listed([one.of, other.of])} select ${where}, and declare port ${one.number} as ${one.protocol} and as ${other.protocol} (IST0116): its requests are read by one of the two protocols, whichever Service was called.`,
          "Declare the same protocol, by name or appProtocol.",
        ),
      ),
    ),
    ...pairsOf(ports, targetOf, ({ number }) => String(number)).map(([one, other]) =>
      coded(
        "IST0137",
        warn(
          `${listed([one.of, other.of])} select ${where}, and send ports ${one.number} and ${other.number} to the same targetPort ${targetOf(one)} (IST0137): the proxy there knows its requests by one of the two only, and may count and treat those of the other as it.`,
          same,
        ),
      ),
    ),
  ];
}

const selectorOf = (service: KubernetesObject): Readonly<Record<string, string>> => selectorOfService(service) ?? {};
const selectsAll = (service: KubernetesObject): boolean => Object.keys(selectorOf(service)).length > 0;
/** A port whose protocol is looked for in its first bytes contradicts nobody. */
const kindOfPort = ({ protocol }: OwnedPort): string | undefined => (known.has(protocol) ? protocol : undefined);
const known = new Set(["http", "http2", "grpc", "grpc-web", "tcp", "tls", "https", "mongo", "mysql", "redis"]);
const targetOf = ({ target, number }: ServicePort): string => String(target ?? number);

/** The first pair of each group, of two Services, that differs. */
function pairsOf(
  ports: readonly OwnedPort[],
  group: (port: OwnedPort) => string,
  value: (port: OwnedPort) => string | undefined,
): readonly (readonly [OwnedPort, OwnedPort])[] {
  const pairs = new Map<string, readonly [OwnedPort, OwnedPort]>();
  for (const [at, one] of ports.entries()) {
    const other = ports
      .slice(at + 1)
      .find((each) => group(each) === group(one) && each.of !== one.of && differ(value(one), value(each)));
    if (other && !pairs.has(group(one))) pairs.set(group(one), [one, other]);
  }
  return [...pairs.values()];
}

const differ = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;
