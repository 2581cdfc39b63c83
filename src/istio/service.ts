import { field, listAt, numberAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import { type Host, readHost } from "./host.ts";

/** The Service that a host means, if it is among these. */
export const serviceBehind = (services: readonly KubernetesObject[], { service }: Host): KubernetesObject | undefined =>
  services.find(({ metadata }) => metadata.name === service?.name && metadata.namespace === service.namespace);

/** The labels that a Service selects its pods by. Without a selector its endpoints are somebody else's business. */
export const selectorOfService = (service: KubernetesObject): Labels | undefined =>
  field(service, "spec", "selector") === undefined ? undefined : textsAt(service, "spec", "selector");

/**
 * The namespaces whose proxies know a Service; undefined is all.
 * https://istio.io/latest/docs/reference/config/annotations/#NetworkingExportTo
 */
export function exportOfService({ metadata }: KubernetesObject): readonly string[] | undefined {
  const written = metadata.annotations?.["networking.istio.io/exportTo"];
  const namespaces = (written ?? "*").split(",").map((one) => one.trim());
  if (namespaces.includes("*")) return undefined;
  return namespaces.filter((one) => one !== "~").map((one) => (one === "." ? (metadata.namespace ?? "") : one));
}

/** Its name has an address for every pod, and the client chooses. */
export const isHeadless = (service: KubernetesObject): boolean => field(service, "spec", "clusterIP") === "None";

/** The host that it is only another name for. */
export function aliasOf(service: KubernetesObject): Host | undefined {
  const name = textAt(service, "spec", "externalName");
  return name === undefined ? undefined : readHost(name, service.metadata.namespace ?? "");
}

const outside: Readonly<Record<string, string>> = { LoadBalancer: "its load balancer", NodePort: "its node port" };

/** By what it can be reached past every proxy that follows a route, in words. */
export function wayFromOutside(service: KubernetesObject): string | undefined {
  const addresses = listAt(service, "spec", "externalIPs").length > 0 ? "its external addresses" : undefined;
  return outside[textAt(service, "spec", "type") ?? ""] ?? addresses;
}

export type ServicePort = {
  readonly number: number;
  readonly name: string;
  readonly protocol: string;
  readonly target: unknown;
};

export const portsOf = (service: KubernetesObject): readonly ServicePort[] =>
  listAt(service, "spec", "ports").map((port) => ({
    number: numberAt(port, "port") ?? 0,
    name: textAt(port, "name") ?? "",
    // https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    protocol: (textAt(port, "appProtocol") ?? textAt(port, "name")?.split("-")[0] ?? "").toLowerCase(),
    target: field(port, "targetPort"),
  }));
