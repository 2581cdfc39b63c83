import type { TestContext } from "node:test";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../sandbox/api-server/api-server.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";

/** A sandbox API server and clients of it, which end with the test. */
export type Started = {
  readonly server: ApiServer;
  readonly client: KubernetesClient;
  readonly as: (token: string) => KubernetesClient;
};

export async function startForTest(t: TestContext, options: ApiServerOptions = {}): Promise<Started> {
  const server = await startApiServer(options);
  const as = (token: string): KubernetesClient =>
    connect(nodeWorld(), {
      server: server.url,
      authorize: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: { ca: server.ca } }),
    });
  t.after(() => server.close());
  return { server, client: as(server.adminToken), as };
}

/** A Deployment of one container whose image's tag says how it behaves. */
export const deploymentOf = (name: string, tag: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "web", image: `registry.test/web:${tag}` }] },
    },
    ...spec,
  },
});
