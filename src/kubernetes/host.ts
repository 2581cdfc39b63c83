/** The Service that a host in an Istio object means. */
export type ServiceName = { readonly name: string; readonly namespace: string };

/**
 * Istio completes a name without dots by the namespace of the object it stands in, and takes every other name as it is written:
 * `reviews.shop` is a host of its own, not Service shop/reviews.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination
 */
export function serviceOf(host: string, namespace: string): ServiceName | undefined {
  if (!host.includes(".")) return host === "" || host === "*" ? undefined : { name: host, namespace };
  const [name, ofNamespace, svc, ...domain] = host.split(".");
  return name && name !== "*" && ofNamespace && svc === "svc" && domain.length > 0 ? { name, namespace: ofNamespace } : undefined;
}

/** Whether two hosts, each in an object of its namespace, mean one Service; hosts that are no Services are compared as text. */
export function sameHost(host: string, namespace: string, other: string, otherNamespace: string): boolean {
  const [one, two] = [serviceOf(host, namespace), serviceOf(other, otherNamespace)];
  return one && two ? one.name === two.name && one.namespace === two.namespace : !one && !two && host === other;
}
