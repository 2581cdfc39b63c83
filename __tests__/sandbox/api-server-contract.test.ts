import { startApiServer } from "../../sandbox/api-server/api-server.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { kubernetesContract } from "../contracts/kubernetes.ts";

kubernetesContract("the sandbox", async () => {
  const server = await startApiServer({
    namespaces: ["default", "shop"],
    podTimes: { becomesReady: 30, crashes: 20, pullBackOff: 20, terminates: 20 },
  });
  const warnings: string[] = [];
  const open = (headers: Readonly<Record<string, string>>): KubernetesClient => {
    const authorize = async () => ({
      headers: { authorization: `Bearer ${server.adminToken}`, ...headers },
      tls: { ca: server.ca },
    });
    return connect(nodeWorld(), { server: server.url, authorize }, { warning: (text) => warnings.push(text) });
  };
  return {
    client: open({}),
    namespace: "shop",
    warnings,
    as: (user) => open({ "impersonate-user": user }),
    tearDown: () => server.close(),
  };
});
