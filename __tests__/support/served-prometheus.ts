import type { ApiServer, ApiServerOptions } from "../../sandbox/api-server/api-server.ts";
import { startApiServer } from "../../sandbox/api-server/api-server.ts";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { podRunner } from "../../sandbox/mesh/pod-runner.ts";
import type { Connection } from "../../src/adapters/kubernetes/api-server.ts";
import { passingTransport } from "../../src/adapters/kubernetes/passing-transport.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { readPod } from "../../src/kubernetes/pod.ts";
import type { Network } from "../../src/world/world.ts";
import { clientOf, until } from "./cluster.ts";

const labels = { "app.kubernetes.io/name": "prometheus" };

/** A Service of Istio's addon, and its pod. */
const prometheusInside: readonly SentObject[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "prometheus", namespace: "istio-system" },
    spec: { selector: labels, ports: [{ name: "http", port: 9090 }] },
  },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "prometheus-0", namespace: "istio-system", labels },
    spec: { containers: [{ name: "prometheus", image: "registry.test/prometheus:v3" }] },
  },
];

export type ServedPrometheus = {
  readonly url: string;
  readonly server: ApiServer;
  /** The API server carries what is asked, as somebody with this token. */
  readonly networkOf: (token?: string) => Network;
  readonly close: () => Promise<void>;
};

/** An API server behind which something at an address of this machine is Prometheus's pod. */
export async function servedPrometheus(address: string, options: ApiServerOptions = {}): Promise<ServedPrometheus> {
  const pods = podRunner(() => new URL(address).host);
  const server = await startApiServer({ podRunner: pods, addressOf: pods.addressOf, ...options });
  server.apply(prometheusInside);
  await until(
    "Prometheus's pod is ready",
    () => clientOf(server).list(resources.pods, "istio-system"),
    (found) => found.some((pod) => readPod(pod).ready),
  );
  const connectionOf = (token: string): Connection => ({
    server: server.url,
    authorize: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: { ca: server.ca } }),
  });
  return {
    url: "service://istio-system/prometheus:9090",
    server,
    networkOf(token = server.adminToken) {
      const world = nodeWorld();
      return { ...world, transport: passingTransport(world.transport, connectionOf(token)) };
    },
    async close() {
      await server.close();
      await pods.close();
    },
  };
}
