import type { EndpointSlice, Service } from "./objects.ts";

/** `address:port` of a service's next ready pod, by turns; undefined when it has none. */
export type Endpoints = (url: URL, namespace: string) => string | undefined;

/** kube-proxy's part: `http://reviews:9080` as a pod of `namespace` means it. */
export function endpointsOf(
  services: ReadonlyMap<string, Service>,
  slices: ReadonlyMap<string, EndpointSlice>,
): Endpoints {
  const turns = new Map<string, number>();
  return (url, namespace) => {
    const [name = "", given = namespace] = url.hostname.split(".");
    const port = services.get(`${given}/${name}`)?.spec.ports?.find((one) => one.port === Number(url.port || 80));
    if (port === undefined) return undefined;
    const ready = [...slices.values()]
      .filter(
        ({ metadata }) => metadata.namespace === given && metadata.labels?.["kubernetes.io/service-name"] === name,
      )
      .flatMap(({ endpoints, ports }) => {
        const target = ports?.find((one) => (one.name ?? "") === (port.name ?? ""))?.port;
        return (endpoints ?? [])
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((address) => `${address}:${target}`));
      });
    // Each service has turns of its own: a caller that asks two services for each request would see some pods only.
    const turn = (turns.get(`${given}/${name}`) ?? 0) + 1;
    turns.set(`${given}/${name}`, turn);
    return ready[turn % ready.length];
  };
}
