/** A host as Istio resolves it. `domain` is absent where the text leaves it to the mesh; then any cluster's domain is meant. */
export type Host = { readonly name: string; readonly domain?: string };

/**
 * Short names belong to the namespace of the object they stand in, not to the service's:
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination
 */
export function resolveHost(text: string, namespace: string): Host {
  const [service = "", owner, svc, ...domain] = text.split(".");
  if (owner === undefined) return { name: `${service}.${namespace}` };
  if (svc !== undefined && svc !== "svc") return { name: text }; // a ServiceEntry's host, or an address
  return { name: `${service}.${owner}`, ...(domain.length > 0 ? { domain: domain.join(".") } : {}) };
}

export const sameHost = (a: Host, b: Host): boolean =>
  a.name === b.name && (a.domain === undefined || b.domain === undefined || a.domain === b.domain);

/** The namespace of the Service behind a host; undefined for hosts that are no Service of Kubernetes. */
export function namespaceOf(text: string, namespace: string): string | undefined {
  const [, owner, svc] = text.split(".");
  if (owner === undefined) return namespace;
  return svc === undefined || svc === "svc" ? owner : undefined;
}

/** `text`, seen from `namespace`, in the style of `model`, which stands in an object of `modelNamespace`: short beside a short one, full beside a full one. */
export function writtenLike(model: string, modelNamespace: string, text: string, namespace: string): string {
  if (sameHost(resolveHost(model, modelNamespace), resolveHost(text, namespace))) return model;
  const owner = namespaceOf(text, namespace);
  if (owner === undefined) return text;
  if (owner === namespaceOf(model, modelNamespace)) return firstLabel(text) + model.slice(firstLabel(model).length);
  // Istio takes every name with a dot for a full one, so nothing between the short and the full name would resolve.
  const domain = resolveHost(text, namespace).domain ?? resolveHost(model, modelNamespace).domain ?? "cluster.local";
  return `${firstLabel(text)}.${owner}.svc.${domain}`;
}

export const firstLabel = (text: string): string => text.split(".")[0] ?? text;
