import { startApiServer } from "../../../sandbox/api-server/api-server.ts";
import { workloadContract } from "../../contracts/workload.ts";
import { clientOf } from "../../support/cluster.ts";

workloadContract("sandbox", async () => {
  const server = await startApiServer({
    podTimes: { becomesReady: 20, crashes: 5, pullBackOff: 5, terminates: 5, restartBackOff: 1_000 },
  });
  const client = clientOf(server);
  let namespaces = 0;
  return {
    client,
    createNamespace: async () => `shop-${++namespaces}`,
    apply: async (objects) => server.apply(objects),
    close: () => server.close(),
  };
});
