import { field, listAt, numberAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { type Raw, readDestination, readWeighted } from "./destination.ts";
import { type Host, type NamespacedName, readHost } from "./host.ts";
import type { Mirror, RouteRule, RouteSection } from "./route-rule.ts";

/** A part of a VirtualService's `spec` that holds rules: everything by which the protocols differ. */
type SectionOfRules = {
  readonly section: RouteSection;
  /** Rules of tls and tcp have no names. */
  readonly named: boolean;
  /** How a configuration calls a rule by its place. */
  readonly place: (index: number) => string;
  /** The fields by which a rule does something else than dividing requests. */
  readonly instead: readonly string[];
  /** Whether a condition of `match` fits everything that arrives. */
  readonly fitsAll: (condition: Raw) => boolean;
};

const isEmpty = (conditions: Raw): boolean => Object.keys(conditions).length === 0;

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService */
const sections: readonly SectionOfRules[] = [
  {
    section: "http",
    named: true,
    place: (index) => `#${index}`,
    instead: ["delegate", "redirect", "directResponse"],
    fitsAll: ({ name: _, uri, ...conditions }) =>
      isEmpty(conditions) && (uri === undefined || textAt(uri, "prefix") === "/"),
  },
  {
    section: "tls",
    named: false,
    place: (index) => `tls#${index}`,
    instead: [],
    fitsAll: ({ sniHosts, ...conditions }) => isEmpty(conditions) && listAt(sniHosts).includes("*"),
  },
  { section: "tcp", named: false, place: (index) => `tcp#${index}`, instead: [], fitsAll: isEmpty },
];

export const rulesOf = (virtualService: KubernetesObject): readonly RouteRule[] =>
  sections.flatMap((section) =>
    listAt(virtualService, "spec", section.section).map((raw, index) =>
      readRule(section, objectAt(raw), index, namespaceOf(virtualService)),
    ),
  );

function readRule(
  { section, named, place, instead, fitsAll }: SectionOfRules,
  raw: Raw,
  index: number,
  namespace: string,
): RouteRule {
  const conditions = listAt(raw, "match").map((condition) => objectAt(condition));
  return {
    section,
    path: `/spec/${section}/${index}`,
    index,
    place: place(index),
    name: named ? textAt(raw, "name") || undefined : undefined,
    addresses: named ? [] : [...new Set(conditions.flatMap(addressedBy).map((one) => `${section}:${one}`))],
    match: raw.match,
    destinations: readWeighted(listAt(raw, "route"), namespace),
    mirrors: readMirrors(raw, namespace),
    instead: instead.find((other) => raw[other] !== undefined),
    delegate: readDelegate(raw.delegate, namespace),
    takesEverything: conditions.length === 0 || conditions.some(fitsAll),
    raw,
  };
}

/** What a connection asks for before anything is sent over it. */
const addressedBy = (condition: Raw): readonly unknown[] => [
  ...listAt(condition, "sniHosts"),
  ...(condition.port === undefined ? [] : [condition.port]),
];

/**
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy; `mirror` is the older
 * form, for one.
 */
function readMirrors(raw: Raw, namespace: string): readonly Mirror[] {
  const policies = [...listAt(raw, "mirrors")];
  if (raw.mirror !== undefined) policies.unshift({ destination: raw.mirror, percentage: raw.mirrorPercentage });
  return policies.map((policy) => ({
    ...readDestination(field(policy, "destination"), namespace),
    share: (numberAt(policy, "percentage", "value") ?? 100) / 100,
  }));
}

/** Its namespace is the root's unless it says otherwise. */
function readDelegate(delegate: unknown, namespace: string): NamespacedName | undefined {
  if (delegate === undefined) return undefined;
  return { namespace: textAt(delegate, "namespace") || namespace, name: textAt(delegate, "name") ?? "" };
}

const namespaceOf = ({ metadata }: KubernetesObject): string => metadata.namespace ?? "";

export const nameOf = (object: KubernetesObject): NamespacedName => ({
  namespace: namespaceOf(object),
  name: object.metadata.name,
});

/** The hosts for which it routes. Without any it takes part only where another one delegates to it. */
export const hostsOf = (virtualService: KubernetesObject): readonly Host[] =>
  textsOf(virtualService, "hosts").map((host) => readHost(host, namespaceOf(virtualService)));

/** The gateways that follow it, as they stand there. */
export const gatewaysOf = (virtualService: KubernetesObject): readonly string[] => textsOf(virtualService, "gateways");

/** Without gateways a VirtualService is for the mesh. */
export function isForMesh(virtualService: KubernetesObject): boolean {
  const gateways = gatewaysOf(virtualService);
  return gateways.length === 0 || gateways.includes("mesh");
}

export const isDelegate = (virtualService: KubernetesObject): boolean =>
  field(virtualService, "spec", "hosts") === undefined;

/** The namespaces that see it; undefined is all. */
export function visibleIn(virtualService: KubernetesObject): readonly string[] | undefined {
  const namespaces = textsOf(virtualService, "exportTo");
  if (namespaces.length === 0 || namespaces.includes("*")) return undefined;
  return namespaces.map((namespace) => (namespace === "." ? namespaceOf(virtualService) : namespace));
}

const textsOf = (virtualService: KubernetesObject, list: string): readonly string[] =>
  listAt(virtualService, "spec", list).filter((text) => typeof text === "string");
