import type { Condition, ContainerStatus } from "../workload.ts";

/** `Running` from the first container that has started; one that restarts does not take it back. */
export const podPhase = (statuses: readonly ContainerStatus[]): string =>
  statuses.every((status) => status.started || status.restartCount > 0 || status.lastState.terminated !== undefined)
    ? "Running"
    : "Pending";

/** The four conditions of a pod that has a node. Their times move only when their status does. */
export function podConditions(
  statuses: readonly ContainerStatus[],
  before: readonly Condition[],
  now: string,
): readonly Condition[] {
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  const notReady = { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const ready = unready.length === 0;
  return [
    { type: "PodReadyToStartContainers", ok: true },
    { type: "Initialized", ok: true },
    { type: "Ready", ok: ready },
    { type: "ContainersReady", ok: ready },
    { type: "PodScheduled", ok: true },
  ].map(({ type, ok }) => {
    const status = ok ? ("True" as const) : ("False" as const);
    const last = before.find((condition) => condition.type === type);
    return {
      type,
      status,
      lastTransitionTime: last?.status === status ? last.lastTransitionTime : now,
      ...(ok ? {} : notReady),
    };
  });
}
