/** An object by its name and the namespace it is in. */
export type NamespacedName = { readonly namespace: string; readonly name: string };

/** A host that an object of Istio names, as Istio resolves it. */
export type Host = {
  /** As it stands there. */
  readonly text: string;
  /** The Service that is meant; undefined for what can be none: wildcards, addresses, hosts of ServiceEntries. */
  readonly service: NamespacedName | undefined;
  /** The cluster's domain; undefined where the text leaves it to the mesh, and then any cluster's is meant. */
  readonly domain: string | undefined;
};

/**
 * Istio completes a name without dots by the namespace of the object it stands in, which is `namespace`; in between a
 * short and a full name people write `reviews.shop` or `reviews.shop.svc`, and mean the same.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination
 */
export function readHost(text: string, namespace: string): Host {
  const [name = "", owner = namespace, svc = "svc", ...domain] = text.split(".");
  const isService = name !== "" && name !== "*" && owner !== "" && svc === "svc";
  if (!isService) return { text, service: undefined, domain: undefined };
  return { text, service: { namespace: owner, name }, domain: domain.join(".") || undefined };
}

/** Whether two hosts mean one Service; hosts that are no Services are compared as text. */
export function sameHost(one: Host, other: Host): boolean {
  if (!one.service || !other.service) return !one.service && !other.service && one.text === other.text;
  return isNamed(other.service, one.service) && sameDomain(one.domain, other.domain);
}

const sameDomain = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one === other;

export const isNamed = (one: NamespacedName, other: NamespacedName): boolean =>
  one.namespace === other.namespace && one.name === other.name;

/**
 * `reviews.shop`: people mean a Service, and Istio, which completes only names without a dot, means nobody.
 * https://github.com/istio/istio/blob/release-1.28/pkg/config/model.go (ResolveShortnameToFQDN)
 */
export const isHalf = ({ text, service, domain }: Host): boolean =>
  service !== undefined && domain === undefined && text.includes(".");

export const isWildcard = ({ text }: Host): boolean => text.startsWith("*");

/** Whether the host of a rule is for another host: it means the same, or is a wildcard over it. */
export function covers(pattern: Host, host: Host): boolean {
  if (!isWildcard(pattern)) return sameHost(pattern, host);
  return namesOf(host).some((name) => name.endsWith(pattern.text.slice(1)));
}

const usualDomain = "cluster.local";

function namesOf({ text, service, domain = usualDomain }: Host): readonly string[] {
  if (!service) return [text];
  const name = `${service.name}.${service.namespace}`;
  return [name, `${name}.svc.${domain}`];
}

/** As it has to be written where its short name would mean something else, or nothing: in another namespace. */
export function nameFrom(namespace: string, { text, service, domain = usualDomain }: Host): string {
  if (!service || service.namespace === namespace) return text;
  return `${service.name}.${service.namespace}.svc.${domain}`;
}

/**
 * `host` in the style of `model`, which stands where it is to be written: short beside a short one, full beside a full
 * one.
 */
export function writtenLike(model: Host, host: Host): string {
  if (sameHost(model, host)) return model.text;
  if (!host.service) return host.text;
  const { name, namespace } = host.service;
  if (model.service?.namespace === namespace) return name + model.text.slice(model.service.name.length);
  // Istio takes every name with a dot for a full one, so nothing between the short and the full name would resolve.
  return `${name}.${namespace}.svc.${host.domain ?? model.domain ?? usualDomain}`;
}
