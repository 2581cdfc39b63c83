import type { Connection } from "../../src/adapters/kubernetes/api-server.ts";
import { findCluster } from "../../src/adapters/kubernetes/kubeconfig.ts";
import { connect, type KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { passingTransport } from "../../src/adapters/kubernetes/passing-transport.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { gatewayKinds } from "../../src/istio/gateway-route.ts";
import { routeSections } from "../../src/istio/route-rule.ts";
import type { Transport } from "../../src/world/transport.ts";
import { gatewayRouteContract, gatewayRouteMaker } from "../contracts/gateway-route.ts";
import { initContract } from "../contracts/init.ts";
import { journalContract } from "../contracts/journal.ts";
import { kubernetesContract } from "../contracts/kubernetes.ts";
import { lockContract } from "../contracts/lock.ts";
import { configMapJournals, deploymentWorkloads, leaseLocks } from "../contracts/on-cluster.ts";
import { routerContract } from "../contracts/router.ts";
import { virtualServiceContract, virtualServiceMaker } from "../contracts/virtual-service.ts";
import { workloadContract } from "../contracts/workload.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { newNamespace } from "./support/namespace.ts";

// The suites that keep the sandbox honest: what it passes, a real API server with a real istiod passes, too.

const bed = bedFromEnvironment();
const cluster = findCluster({
  kubeconfig: bed.kubeconfig,
  env: {},
  registerSecret: () => {},
  clock: nodeWorld().clock,
});

/** A place for one suite: clients, and namespaces that go away with it. */
function place(prefix: string) {
  const api = openApiServer(bed.kubeconfig);
  const removals: (() => Promise<void>)[] = [];

  const connection = (headers: Readonly<Record<string, string>>): Connection => ({
    ...cluster,
    async authorize() {
      const { headers: own, tls } = await cluster.authorize();
      return { headers: { ...own, ...headers }, tls };
    },
  });
  const open = (
    headers: Readonly<Record<string, string>> = {},
    onWarning: (warning: string) => void = () => {},
  ): KubernetesClient => connect(nodeWorld(), connection(headers), { warning: onWarning });
  return {
    api,
    open,
    passesFor: (user: string | undefined): Transport =>
      passingTransport(nodeWorld().transport, connection(user === undefined ? {} : { "impersonate-user": user })),
    createNamespace: async (): Promise<string> => {
      const name = `${prefix}-${removals.length + 1}`;
      removals.push(await newNamespace(api, name, false));
      return name;
    },
    close: async (): Promise<void> => {
      await Promise.all(removals.map((remove) => remove()));
      await api.close();
    },
  };
}

kubernetesContract("the real API server", async () => {
  const { open, passesFor, createNamespace, close } = place("contract-kubernetes");
  const warnings: string[] = [];
  return {
    client: open({}, (warning) => warnings.push(warning)),
    namespace: await createNamespace(),
    warnings,
    as: (user) => open({ "impersonate-user": user }),
    passesFor,
    tearDown: close,
  };
});

/** A suite that makes its own objects. */
async function world(prefix: string) {
  const { api, open, createNamespace, close } = place(prefix);
  return {
    client: open(),
    createNamespace,
    apply: async (objects: readonly object[]): Promise<void> =>
      void (await apply(api, objects.map((object) => JSON.stringify(object)).join("\n---\n"))),
    close,
  };
}

for (const section of routeSections)
  routerContract("the real API server", () => world(`contract-router-${section}`), virtualServiceMaker(section));
virtualServiceContract("the real API server", () => world("contract-virtual-service"));
for (const { kind } of gatewayKinds) {
  const maker = gatewayRouteMaker(kind);
  routerContract("the real API server", () => world(`contract-router-${kind.toLowerCase()}`), maker);
  gatewayRouteContract("the real API server", () => world(`contract-${kind.toLowerCase()}`), maker);
}
workloadContract("Deployments on the real API server", async () =>
  deploymentWorkloads(await world("contract-workload")),
);
journalContract("ConfigMaps on the real API server", async () => configMapJournals(await world("contract-journal")));
lockContract("Leases on the real API server", async () => leaseLocks(await world("contract-lock")));
initContract("the real API server", () => world("contract-init"));
