import type { HttpRequest, Transport } from "../../world/transport.ts";
import type { Connection } from "./api-server.ts";

const collections: Readonly<Record<string, string>> = { "service:": "services", "pod:": "pods", "forward:": "pods" };

/** The path of `service://NAMESPACE/NAME:PORT/PATH`; before the name there may be `https:`. */
const passed = /^\/((?:https?:)?[a-z0-9.-]+:[a-z0-9-]+)(\/.*)?$/;

/**
 * Carries requests to Services and pods of the cluster, `service://NAMESPACE/NAME:PORT/PATH` and `pod://…`, over the API
 * server, which passes them on for whoever may `get services/proxy` or `pods/proxy`. The job's login ends there:
 * https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
 *
 * `forward://NAMESPACE/POD:PORT/PATH` goes to a port of the pod's loopback, which the API server forwards for whoever may
 * get and create `pods/portforward`, as kubectl and istioctl have it.
 */
export function passingTransport({ send }: Transport, { server, proxy, authorize }: Connection): Transport {
  return {
    async send(request) {
      const place = placeIn(request);
      const { headers, tls } = await authorize();
      const over = (path: string): URL => new URL(`${server.replace(/\/$/, "")}${place.collection}${path}`);
      const { name, path } = place;
      if (request.url.protocol === "forward:") {
        const [pod, port] = name.split(":");
        const tunnel = { url: over(`/${pod}/portforward?ports=${port}`), headers, tls, proxy };
        return send({ ...request, url: new URL(`http://localhost:${port}${path}`), tunnel });
      }
      const url = over(`/${name}/proxy${path}`);
      return send({ ...request, url, headers: { ...withoutLogin(request), ...headers }, tls, proxy });
    },
  };
}

type PassedPlace = { readonly collection: string; readonly name: string; readonly path: string };

function placeIn({ url }: HttpRequest): PassedPlace {
  const { [url.protocol]: collection } = collections;
  const [, name, path = "/"] = passed.exec(url.pathname) ?? [];
  if (collection === undefined || name === undefined)
    throw new Error("no address of the form service://NAMESPACE/NAME:PORT");
  return {
    collection: `/api/v1/namespaces/${encodeURIComponent(url.host)}/${collection}`,
    name,
    path: `${path}${url.search}`,
  };
}

/** Whoever logs in with a certificate would be taken for somebody else. */
const withoutLogin = ({ headers }: HttpRequest): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));
