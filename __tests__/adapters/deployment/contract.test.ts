import { deploymentWorkloads } from "../../contracts/on-cluster.ts";
import { workloadContract } from "../../contracts/workload.ts";
import { sandboxWorld } from "../../support/cluster.ts";

const podTimes = { becomesReady: 20, crashes: 5, pullBackOff: 5, terminates: 5, restartBackOff: 1_000 };

workloadContract("Deployments in the sandbox", async () => deploymentWorkloads(await sandboxWorld({ podTimes })));
