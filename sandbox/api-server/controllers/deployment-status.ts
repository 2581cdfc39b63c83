import { withoutUndefined } from "../object.ts";
import { type Condition, conditionOf, type Deployment, type ReplicaSet } from "../workload.ts";
import { type News, renewed, withCondition, withoutCondition } from "./condition.ts";
import { limits } from "./rolling-update.ts";

/** A Deployment with the set of its present template, if there is one, and the sets of earlier ones. */
export type Rollout = {
  readonly deployment: Deployment;
  readonly fresh: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
};

type Counts = Readonly<
  Record<"replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas" | "unavailableReplicas", number>
>;

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (count(set) ?? 0), 0);

/**
 * The status as the deployment controller writes it; zeros are left out, as everywhere in Kubernetes.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/deployment/progress.go
 */
export function deploymentStatus(
  rollout: Rollout,
  terminating: number,
  now: number,
): Readonly<Record<string, unknown>> {
  const { deployment, fresh, old } = rollout;
  const all = fresh === undefined ? old : [fresh, ...old];
  const available = sum(all, ({ status }) => status?.availableReplicas);
  const counts: Counts = {
    replicas: sum(all, ({ status }) => status?.replicas),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, ({ spec }) => spec.replicas) - available),
  };
  return withoutUndefined({
    observedGeneration: deployment.metadata.generation,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    terminatingReplicas: terminating,
    conditions: conditions(rollout, counts, now),
  });
}

function conditions(rollout: Rollout, counts: Counts, now: number): readonly Condition[] {
  const { deployment, fresh, old } = rollout;
  const available = withCondition(deployment.status?.conditions ?? [], availability(deployment, counts), now);
  const progressed = withProgress(available, rollout, counts, now);
  const failure = [fresh, ...old]
    .map((set) => conditionOf(set?.status?.conditions, "ReplicaFailure"))
    .find((condition) => condition !== undefined);
  if (failure === undefined) return withoutCondition(progressed, "ReplicaFailure");
  return withCondition(
    progressed,
    { type: "ReplicaFailure", status: failure.status, reason: "FailedCreate", message: failure.message ?? "" },
    now,
  );
}

const availability = (deployment: Deployment, { availableReplicas }: Counts): News =>
  availableReplicas >= deployment.spec.replicas - limits(deployment).maxUnavailable
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };

function withProgress(
  before: readonly Condition[],
  { deployment, fresh }: Rollout,
  counts: Counts,
  now: number,
): readonly Condition[] {
  const last = conditionOf(before, "Progressing");
  const done = counts.replicas === counts.updatedReplicas && last?.reason === "NewReplicaSetAvailable";
  if (deployment.spec.paused || fresh === undefined || done) return before;
  const about = (reason: string, status: "True" | "False", what: string): News => ({
    type: "Progressing",
    status,
    reason,
    message: `ReplicaSet "${fresh.metadata.name}" ${what}.`,
  });
  if (isComplete(deployment, counts))
    return withCondition(before, about("NewReplicaSetAvailable", "True", "has successfully progressed"), now);
  if (hasAdvanced(deployment, counts))
    return renewed(before, about("ReplicaSetUpdated", "True", "is progressing"), now);
  if (deadlineIn(deployment, before, now) <= 0)
    return withCondition(before, about("ProgressDeadlineExceeded", "False", "has timed out progressing"), now);
  return before;
}

const isComplete = ({ spec }: Deployment, { updatedReplicas, replicas, availableReplicas }: Counts): boolean =>
  updatedReplicas === spec.replicas && replicas === spec.replicas && availableReplicas === spec.replicas;

function hasAdvanced({ status }: Deployment, counts: Counts): boolean {
  const last = (field: keyof Counts): number => (typeof status?.[field] === "number" ? status[field] : 0);
  const oldLeft = counts.replicas - counts.updatedReplicas;
  const more = (field: keyof Counts): boolean => counts[field] > last(field);
  return (
    more("updatedReplicas") ||
    oldLeft < last("replicas") - last("updatedReplicas") ||
    more("readyReplicas") ||
    more("availableReplicas")
  );
}

/** Milliseconds until the Deployment has made no progress for too long. Infinite when it need not make any. */
export function deadlineIn({ spec }: Deployment, conditions: readonly Condition[], now: number): number {
  const last = conditionOf(conditions, "Progressing");
  if (last === undefined || last.reason === "NewReplicaSetAvailable" || spec.paused) return Number.POSITIVE_INFINITY;
  if (last.reason === "ProgressDeadlineExceeded") return 0;
  return Date.parse(last.lastUpdateTime ?? last.lastTransitionTime) + spec.progressDeadlineSeconds * 1_000 - now;
}

const paused: News = {
  type: "Progressing",
  status: "Unknown",
  reason: "DeploymentPaused",
  message: "Deployment is paused",
};
const resumed: News = {
  type: "Progressing",
  status: "Unknown",
  reason: "DeploymentResumed",
  message: "Deployment is resumed",
};

/** A paused Deployment makes no progress, so its deadline does not run; one that gave up before stays so. */
export function withPause({ spec, status }: Deployment, now: number): readonly Condition[] {
  const conditions = status?.conditions ?? [];
  const reason = conditionOf(conditions, "Progressing")?.reason;
  if (reason === "ProgressDeadlineExceeded") return conditions;
  if (spec.paused) return withCondition(conditions, paused, now);
  return reason === "DeploymentPaused" ? withCondition(conditions, resumed, now) : conditions;
}

export const created = (replicaSet: ReplicaSet): News => ({
  type: "Progressing",
  status: "True",
  reason: "NewReplicaSetCreated",
  message: `Created new replica set "${replicaSet.metadata.name}"`,
});
