/** The Service that a host in an Istio object means. */
export type ServiceName = { readonly name: string; readonly namespace: string };

/**
 * Istio completes a name without dots by the namespace of the object it stands in; in between a short and a full name people write
 * `reviews.shop` or `reviews.shop.svc`, and mean the same. Undefined for what can be no Service: wildcards, and hosts of ServiceEntries.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination
 */
export function serviceOf(host: string, namespace: string): ServiceName | undefined {
  const [name, owner, svc] = host.split(".");
  if (!name || name === "*") return undefined;
  if (owner === undefined) return { name, namespace };
  return owner !== "" && (svc === undefined || svc === "svc") ? { name, namespace: owner } : undefined;
}

/** Whether two hosts, each in an object of its namespace, mean one Service; hosts that are no Services are compared as text. */
export function sameHost(host: string, namespace: string, other: string, otherNamespace: string): boolean {
  const [one, two] = [serviceOf(host, namespace), serviceOf(other, otherNamespace)];
  return one && two ? one.name === two.name && one.namespace === two.namespace : !one && !two && host === other;
}
