import type { HttpRequest, Transport } from "../../world/transport.ts";
import type { Connection } from "./api-server.ts";

/** The path of `service://NAMESPACE/NAME:PORT/PATH`; before the name there may be `https:`. */
const ofService = /^\/((?:https?:)?[a-z0-9-]+:[a-z0-9-]+)(\/.*)?$/;

/**
 * Carries requests to Services of the cluster, `service://NAMESPACE/NAME:PORT/PATH`, over the API server, which passes
 * them on to a pod for whoever may `get services/proxy`. The job's login ends at the API server:
 * https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
 */
export function serviceTransport({ send }: Transport, { server, proxy, authorize }: Connection): Transport {
  return {
    async send(request) {
      const path = pathOver(request);
      const { headers, tls } = await authorize();
      const url = new URL(`${server.replace(/\/$/, "")}${path}`);
      return send({ ...request, url, headers: { ...withoutLogin(request), ...headers }, tls, proxy });
    },
  };
}

function pathOver({ url }: HttpRequest): string {
  const [, service, path = "/"] = ofService.exec(url.pathname) ?? [];
  if (url.protocol !== "service:" || service === undefined)
    throw new Error("no address of the form service://NAMESPACE/NAME:PORT");
  return `/api/v1/namespaces/${encodeURIComponent(url.host)}/services/${service}/proxy${path}${url.search}`;
}

/** Whoever logs in with a certificate would be taken for somebody else. */
const withoutLogin = ({ headers }: HttpRequest): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));
