import type { InitGround } from "../../init/ground.ts";
import { gatewayGroup, gatewayKinds } from "../../istio/gateway-route.ts";
import { type KubernetesObject, type Resource, resources } from "../../kubernetes/object.ts";
import { neededIstioResources } from "./istio-version.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";
import { listEverywhere } from "./list-everywhere.ts";
import { unlessDenied } from "./unless-forbidden.ts";

const apps = (plural: string, kind: string): Resource => ({ group: "apps", version: "v1", plural, kind });

/** What is as good as not there where it may not be listed. */
const goodToKnow: readonly Resource[] = [
  apps("statefulsets", "StatefulSet"),
  apps("daemonsets", "DaemonSet"),
  resources.gatewaysOfApi,
  ...gatewayKinds.map((kind) => ({ ...kind, group: gatewayGroup, version: "v1" })),
];

/** Reads what a first release is about. What has to be known and may not be read ends it. */
export async function readGround(
  client: KubernetesClient,
  { namespace, service }: Pick<InitGround, "namespace" | "service">,
): Promise<Omit<InitGround, "places">> {
  const istio = await neededIstioResources(client);
  const { version } = istio.virtualServices;
  const gateways = { ...resources.gateways, version };
  const needs = [resources.services, resources.deployments, istio.virtualServices, istio.destinationRules];
  const [needed, wide, known, home, kinds] = await Promise.all([
    Promise.all(needs.map((resource) => client.list(resource, namespace))),
    Promise.all([istio.virtualServices, gateways].map((one) => listEverywhere(client, one, [namespace]))),
    Promise.all(goodToKnow.map((resource) => unlessDenied(client.list(resource, namespace), []))),
    unlessDenied(client.get(resources.namespaces, undefined, namespace), undefined),
    client.kinds(gatewayGroup, "v1"),
  ]);
  const isNew = ({ kind, metadata }: KubernetesObject): boolean =>
    kind === "Gateway" || metadata.namespace !== namespace;
  const elsewhere = wide.flatMap(({ objects }) => objects).filter(isNew);
  const found = [...needed.flat(), ...elsewhere, ...known.flat()];
  const objects: KubernetesObject[] = home ? [...found, home] : found;
  const servesGatewayApi = kinds?.some(({ kind }) => kind === "HTTPRoute") ?? false;
  return { namespace, service, objects, istioVersion: version, servesGatewayApi };
}
