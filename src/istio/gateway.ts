import { isDeepStrictEqual } from "node:util";
import { field, listAt, numberAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Host, NamespacedName } from "./host.ts";
import type { RouteSection } from "./route-rule.ts";

/** `public` of the VirtualService's namespace, `istio-ingress/public`, or the full name of older days. */
export function gatewayNamed(text: string, namespace: string): NamespacedName {
  const [owner = namespace, name] = text.includes("/") ? text.split("/") : [undefined, text];
  const [short = "", of] = (name ?? "").split(".");
  return { namespace: of ?? owner, name: short };
}

/**
 * Whether one of its servers takes requests for a host of a VirtualService in a namespace:
 * https://istio.io/latest/docs/reference/config/networking/gateway/#Server-hosts
 */
export const gatewayTakes = (gateway: KubernetesObject, host: Host, namespace: string): boolean =>
  listAt(gateway, "spec", "servers")
    .flatMap((server) => hostsOfServer(server, gateway))
    .some(({ from, name }) => (from === "*" || from === namespace) && haveHostsInCommon(name, host.text));

/** The hosts of a server, and of which namespace's VirtualServices it takes each: `*` for all. */
const hostsOfServer = (server: unknown, { metadata }: KubernetesObject): readonly { from: string; name: string }[] =>
  listAt(server, "hosts").map((host) => {
    const [name = "", owner = "*"] = String(host).split("/").reverse();
    return { from: owner === "." ? (metadata.namespace ?? "") : owner, name };
  });

type Server = { readonly protocol: string | undefined; readonly passes: boolean };

const isOneOf =
  (...protocols: readonly string[]) =>
  ({ protocol = protocols[0] ?? "", passes }: Server): boolean =>
    !passes && protocols.includes(protocol.toUpperCase());

/**
 * By which servers the rules of a section are followed: those that pass TLS on look at SNI, others end it first.
 * (istio/istio pilot/pkg/networking/core/gateway.go)
 */
const serves: Readonly<Record<RouteSection, (server: Server) => boolean>> = {
  http: isOneOf("HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB"),
  tls: ({ passes }) => passes,
  tcp: isOneOf("TCP", "TLS", "MONGO", "MYSQL", "REDIS"),
};

/** Whether one of its servers follows rules of a section at all. */
export const gatewayServes = (gateway: KubernetesObject, section: RouteSection): boolean =>
  listAt(gateway, "spec", "servers").some((server) =>
    serves[section]({
      protocol: textAt(server, "port", "protocol"),
      passes: (textAt(server, "tls", "mode") ?? "").endsWith("PASSTHROUGH"),
    }),
  );

/**
 * The hosts for which two Gateways of the same proxies have TLS at one port. Istiod leaves out the whole server that comes
 * second. (istio/istio pilot/pkg/model/gateway.go, MergeGateways)
 */
export function sharedTlsHosts(one: KubernetesObject, other: KubernetesObject): readonly string[] {
  const [selector, its] = [one, other].map((gateway) => objectAt(gateway, "spec", "selector"));
  if (!isDeepStrictEqual(selector, its)) return [];
  const taken = new Set(tlsHostsOf(other));
  return tlsHostsOf(one).filter((host) => taken.has(host));
}

/** `shop.example.com:443`; a host of one namespace has that before it. */
const tlsHostsOf = (gateway: KubernetesObject): readonly string[] =>
  listAt(gateway, "spec", "servers")
    .filter((server) => field(server, "tls") !== undefined)
    .flatMap((server) => {
      const port = numberAt(server, "port", "number");
      return hostsOfServer(server, gateway).map(({ from, name }) => `${from === "*" ? "" : `${from}/`}${name}:${port}`);
    });

const haveHostsInCommon = (one: string, other: string): boolean => isWithin(one, other) || isWithin(other, one);

const isWithin = (host: string, pattern: string): boolean =>
  pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern;
