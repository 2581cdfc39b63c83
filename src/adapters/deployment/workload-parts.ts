import type { Obstacle } from "../../kubernetes/obstacle.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Fence } from "../../ports/fence.ts";
import type { KeptLogs } from "../../release/kept-logs.ts";
import type { Target } from "../../release/target.ts";
import type { Clock } from "../../world/clock.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import type { WorkloadsBefore } from "./workloads-before.ts";

/** Is told again with every log that comes in, so that one that hangs takes nothing from the others. */
export type KeepLogs = (kept: KeptLogs) => void;

/** What the two versions' Deployments are changed by, and from what. */
export type WorkloadParts = {
  readonly client: KubernetesClient;
  readonly target: Target;
  readonly before: WorkloadsBefore;
  /** After a swap the old version keeps its pods. */
  readonly keepOld: boolean;
  readonly clock: Clock;
  /** What pod templates hold, by their ReplicaSet, as far as they were read already. */
  readonly templates: Map<string, unknown>;
  readonly fence: Fence;
  /** Absent: nobody wants the canary's logs. */
  readonly keepLogs?: KeepLogs | undefined;
};

/** What preflight refuses may still come true while a release runs: then asking again does not help. */
export function unlessObstacle<T extends object>(answer: T | Obstacle): T {
  if ("problem" in answer) throw new DeniedError(`${answer.problem}.`, { next: answer.next });
  return answer;
}

export const missing = (namespace: string, name: string): DeniedError =>
  new DeniedError(`Deployment ${namespace}/${name} does not exist.`, {
    next: "Somebody deleted it; look at the events of the namespace.",
  });
