import { startApiServer } from "../../sandbox/api-server/api-server.ts";
import { podRunner } from "../../sandbox/mesh/pod-runner.ts";
import type { Connection } from "../../src/adapters/kubernetes/api-server.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { passingTransport } from "../../src/adapters/kubernetes/passing-transport.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { kubernetesContract } from "../contracts/kubernetes.ts";

const asUser = (user: string | undefined): Readonly<Record<string, string>> =>
  user === undefined ? {} : { "impersonate-user": user };

kubernetesContract("the sandbox", async () => {
  const pods = podRunner();
  const server = await startApiServer({
    podRunner: pods,
    addressOf: pods.addressOf,
    namespaces: ["default", "shop"],
    podTimes: { becomesReady: 30, crashes: 20, pullBackOff: 20, terminates: 20 },
  });
  const warnings: string[] = [];
  const connection = (headers: Readonly<Record<string, string>>): Connection => ({
    server: server.url,
    authorize: async () => ({
      headers: { authorization: `Bearer ${server.adminToken}`, ...headers },
      tls: { ca: server.ca },
    }),
  });
  const open = (headers: Readonly<Record<string, string>>): KubernetesClient =>
    connect(nodeWorld(), connection(headers), { warning: (text) => warnings.push(text) });
  return {
    client: open({}),
    namespace: "shop",
    warnings,
    as: (user) => open({ "impersonate-user": user }),
    passesFor: (user) => passingTransport(nodeWorld().transport, connection(asUser(user))),
    async tearDown() {
      await server.close();
      await pods.close();
    },
  };
});
