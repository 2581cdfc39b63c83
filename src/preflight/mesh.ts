import { sameHost } from "../istio/host.ts";
import { field, listAt, numberAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";

/** A destination of a VirtualService's rule. */
export type Destination = {
  readonly host: string;
  readonly subset: string | undefined;
  readonly port: number | undefined;
};

/** A rule that sends somewhere, of any protocol. */
export type Rule = {
  readonly virtualService: KubernetesObject;
  readonly protocol: "http" | "tls" | "tcp";
  readonly word: string;
  readonly destinations: readonly Destination[];
};

const protocols = ["http", "tls", "tcp"] as const;

export const wordOf = ({ kind, metadata }: KubernetesObject): string =>
  `${kind} ${metadata.namespace}/${metadata.name}`;

export const rulesOf = (virtualService: KubernetesObject): readonly Rule[] =>
  protocols.flatMap((protocol) =>
    listAt(virtualService, "spec", protocol).map((rule, index) => {
      const name = textAt(rule, "name");
      const route = name === undefined ? `${protocol} route #${index}` : `route "${name}"`;
      return {
        virtualService,
        protocol,
        word: `${wordOf(virtualService)}: ${route}`,
        destinations: listAt(rule, "route").map(readDestination),
      };
    }),
  );

const readDestination = (route: unknown): Destination => ({
  host: textAt(route, "destination", "host") ?? "",
  subset: textAt(route, "destination", "subset"),
  port: numberAt(route, "destination", "port", "number"),
});

/** Whether a destination in this VirtualService means the Service that `host` means in the target's namespace. */
export const goesTo = (
  { metadata }: KubernetesObject,
  destination: Destination,
  host: string,
  namespace: string,
): boolean => sameHost(destination.host, metadata.namespace ?? namespace, host, namespace);

/** Without gateways a VirtualService is for the mesh. */
export function isForMesh(virtualService: KubernetesObject): boolean {
  const gateways = listAt(virtualService, "spec", "gateways");
  return gateways.length === 0 || gateways.includes("mesh");
}

/** Whether requests for this Service are routed by the VirtualService: one of its hosts is the Service's, or a wildcard over it. */
export function covers(virtualService: KubernetesObject, host: string, namespace: string): boolean {
  const own = virtualService.metadata.namespace ?? namespace;
  return listAt(virtualService, "spec", "hosts").some(
    (each) => typeof each === "string" && (each === "*" || sameHost(each, own, host, namespace)),
  );
}

/** The VirtualServices that a VirtualService hands requests to, as `namespace/name`. */
export const delegatesOf = (virtualService: KubernetesObject): readonly string[] =>
  listAt(virtualService, "spec", "http").flatMap((rule) => {
    const name = textAt(rule, "delegate", "name");
    return name === undefined
      ? []
      : [`${textAt(rule, "delegate", "namespace") ?? virtualService.metadata.namespace}/${name}`];
  });

/** A VirtualService without hosts takes part only where another one delegates to it. */
export const isDelegate = (virtualService: KubernetesObject): boolean =>
  field(virtualService, "spec", "hosts") === undefined;
