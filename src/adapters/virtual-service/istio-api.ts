import { type Resource, resources } from "../../kubernetes/object.ts";
import { neededIstioResources } from "../kubernetes/istio-version.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import type { RouteStore } from "../weighted-rules/read-routes.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";

/** Istio's objects in one version of their API. Every version has the same schema, so nobody has to configure one. */
export type IstioApi = {
  readonly client: KubernetesClient;
  readonly version: string;
  readonly virtualServices: Resource;
  readonly destinationRules: Resource;
  readonly gateways: Resource;
};

/** In the version in which a release began. */
export const istioApi = (client: KubernetesClient, version: string): IstioApi => ({
  client,
  version,
  virtualServices: { ...resources.virtualServices, version },
  destinationRules: { ...resources.destinationRules, version },
  gateways: { ...resources.gateways, version },
});

export const virtualServicesIn = ({ client, virtualServices: resource }: IstioApi): RouteStore => ({
  client,
  resource,
  shape,
});

/** In the version that the server offers. */
export const offeredApi = async (client: KubernetesClient): Promise<IstioApi> =>
  istioApi(client, (await neededIstioResources(client)).virtualServices.version);
