import { startApiServer } from "../../sandbox/api-server/api-server.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { kubernetesContract } from "../contracts/kubernetes.ts";

kubernetesContract("the sandbox", async () => {
  const server = await startApiServer({
    namespaces: ["default", "shop"],
    podTimes: { becomesReady: 30, crashes: 20, pullBackOff: 20, terminates: 20 },
  });
  const warnings: string[] = [];
  const clients: KubernetesClient[] = [];
  const open = (headers: Readonly<Record<string, string>>): KubernetesClient => {
    const authorize = async () => ({
      headers: { authorization: `Bearer ${server.adminToken}`, ...headers },
      tls: { ca: server.ca },
    });
    const client = connect({ server: server.url, authorize }, (warning) => warnings.push(warning));
    clients.push(client);
    return client;
  };
  return {
    client: open({}),
    namespace: "shop",
    warnings,
    as: (user) => open({ "impersonate-user": user }),
    tearDown: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await server.close();
    },
  };
});
