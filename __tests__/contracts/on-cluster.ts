import type { SentObject } from "../../sandbox/api-server/object.ts";
import { deploymentWorkload } from "../../src/adapters/deployment/deployment-workload.ts";
import { captureWorkloads, workloadsBefore } from "../../src/adapters/deployment/workloads-before.ts";
import { configMapJournal, journalName } from "../../src/adapters/kubernetes/config-map-journal.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { leaseLock } from "../../src/adapters/kubernetes/lease-lock.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { noFence } from "../support/fences.ts";
import type { JournalWorld } from "./journal.ts";
import type { LockWorld } from "./lock.ts";
import type { WorkloadWorld } from "./workload.ts";

/** An API server, the embedded one or a real one, and namespaces in it. */
export type ClusterWorld = {
  readonly client: KubernetesClient;
  readonly createNamespace: () => Promise<string>;
  readonly apply: (objects: readonly SentObject[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

const service = "reviews";

/** The journals in ConfigMaps of a cluster. */
export const configMapJournals = ({ client, createNamespace, close }: ClusterWorld): JournalWorld => ({
  async newService() {
    const namespace = await createNamespace();
    return {
      namespace,
      open: () => configMapJournal(client, namespace, service),
      async store(text) {
        const metadata = { name: journalName(service) };
        const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "release.json": text } };
        await client.create(resources.configMaps, namespace, configMap);
      },
      remove: () => client.delete(resources.configMaps, namespace, journalName(service)),
    };
  },
  close,
});

/** The locks by Leases of a cluster. */
export const leaseLocks = ({ client, createNamespace, close }: ClusterWorld): LockWorld => ({
  async newService() {
    const namespace = await createNamespace();
    return (clock, force = false) => leaseLock({ client, namespace, service, clock, time: clock, force });
  },
  close,
});

/** The Deployments of a cluster. */
export const deploymentWorkloads = (cluster: ClusterWorld): WorkloadWorld => ({
  ...cluster,
  async capture(target, keepOld) {
    const { client } = cluster;
    const journaled = JSON.stringify(await captureWorkloads(client, target, Math.random));
    return (fence = noFence, keepLogs = undefined) => {
      const before = workloadsBefore.parse(JSON.parse(journaled));
      return deploymentWorkload({ client, target, before, keepOld, clock: nodeClock, fence, keepLogs });
    };
  },
});
