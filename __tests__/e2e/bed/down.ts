import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Bed } from "../support/bed.ts";
import { defaultNamespace, deleteNetwork, workOf } from "./network.ts";
import { endProcess, livingProcesses } from "./processes.ts";

/** Ends every process of a bed by its own id, and takes its network namespace away. Logs stay. */
export async function stopBed({ work, namespace }: Pick<Bed, "work" | "namespace">): Promise<void> {
  // The kubelet first: it ends its proxies, and what it would report is of no use any more.
  await endProcess(work, "kubelet");
  await Promise.all(
    livingProcesses(work)
      .filter((name) => name !== "etcd")
      .map((name) => endProcess(work, name)),
  );
  await endProcess(work, "etcd");
  rmSync(join(work, "bed.json"), { force: true });
  deleteNetwork(namespace);
}

if (import.meta.main) {
  const namespace = process.argv[2] ?? defaultNamespace;
  await stopBed({ namespace, work: workOf(namespace) });
  console.log(`${namespace} is down`);
}
