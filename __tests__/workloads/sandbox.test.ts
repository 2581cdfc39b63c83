import { connect } from "../../src/kubernetes/client.ts";
import { startApiServer } from "../../src/sandbox/api-server/api-server.ts";
import { workloadContract } from "../contracts/workload.ts";

workloadContract("sandbox", async () => {
  const server = await startApiServer({ podTimes: { becomesReady: 20, crashes: 5, pullBackOff: 5, terminates: 5, restartBackOff: 1_000 } });
  const client = connect({ server: server.url, authorize: async () => ({ headers: { authorization: `Bearer ${server.adminToken}` }, tls: { ca: server.ca } }) });
  let namespaces = 0;
  return {
    client,
    createNamespace: async () => `shop-${++namespaces}`,
    apply: async (objects) => server.apply(objects),
    close: async () => {
      await client.close();
      await server.close();
    },
  };
});
