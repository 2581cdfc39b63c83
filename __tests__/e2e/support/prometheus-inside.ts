import { once } from "node:events";
import { connect, createServer } from "node:net";
import { findCluster } from "../../../src/adapters/kubernetes/kubeconfig.ts";
import { passingTransport } from "../../../src/adapters/kubernetes/passing-transport.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import type { Network } from "../../../src/world/world.ts";
import { openApiServer } from "./api-server.ts";
import { apply } from "./apply.ts";
import type { Bed } from "./bed.ts";
import { newNamespace } from "./namespace.ts";
import { waitFor } from "./wait-for.ts";

/** A Prometheus that the API server reaches as a pod of a Service, `service://NAMESPACE/prometheus:9090`. */
export type PrometheusInside = {
  readonly url: string;
  readonly network: Network;
  readonly close: () => Promise<void>;
};

type Pod = { readonly status?: { readonly podIP?: string; readonly phase?: string } };

/** `address`: where it really listens. The API server passes on to addresses of pods alone, and to no loopback. */
export async function prometheusInside(bed: Bed, namespace: string, address: string): Promise<PrometheusInside> {
  const api = openApiServer(bed.kubeconfig);
  const remove = await newNamespace(api, namespace, false);
  await apply(
    api,
    `
{apiVersion: v1, kind: Pod, metadata: {name: prometheus-0, namespace: ${namespace}, labels: {app: prometheus}},
 spec: {containers: [{name: prometheus, image: "registry.test/prometheus:v1"}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: prometheus, namespace: ${namespace}},
 spec: {selector: {app: prometheus}, ports: [{name: http, port: 9090}]}}`,
  );
  const path = `/api/v1/namespaces/${namespace}/pods/prometheus-0`;
  const addressOf = async (): Promise<string | undefined> => (await api.get<Pod>(path))?.status?.podIP;
  await waitFor(async () => (await addressOf()) !== undefined, `an address of ${path}`, 30_000);
  const relay = await relayTo(address, (await addressOf()) ?? "");
  const cluster = findCluster({
    kubeconfig: bed.kubeconfig,
    env: {},
    registerSecret: () => {},
    clock: nodeWorld().clock,
  });
  const network = { ...nodeWorld(), transport: passingTransport(nodeWorld().transport, cluster) };
  const url = `service://${namespace}/prometheus:9090`;
  const ready = { method: "GET", url: new URL(`${url}/-/ready`), headers: {} };
  await waitFor(async () => (await network.transport.send(ready)).status === 200, url, 30_000);
  return {
    url,
    network,
    async close() {
      relay.close();
      await remove();
      await api.close();
    },
  };
}

async function relayTo(address: string, ip: string) {
  const { hostname, port } = new URL(address);
  const relay = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => [client, server].map((one) => one.destroy()));
  });
  relay.listen(9_090, ip);
  await once(relay, "listening");
  return relay;
}
