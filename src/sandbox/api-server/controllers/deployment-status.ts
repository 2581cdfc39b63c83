import { timestamp, withoutUndefined } from "../object.ts";
import { type Condition, conditionOf, type Deployment, type ReplicaSet } from "../workload.ts";
import { limits } from "./rolling-update.ts";

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number => sets.reduce((total, set) => total + (count(set) ?? 0), 0);

/** The counts and conditions as the deployment controller writes them; zeros are left out, as everywhere in Kubernetes. */
export function deploymentStatus(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[], terminating: number, now: number): Readonly<Record<string, unknown>> {
  const all = fresh === undefined ? old : [fresh, ...old];
  const replicas = sum(all, ({ status }) => status?.replicas);
  const available = sum(all, ({ status }) => status?.availableReplicas);
  const counts = {
    replicas,
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, ({ spec }) => spec.replicas) - available),
  };
  const nonZero = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return withoutUndefined({
    observedGeneration: deployment.metadata.generation,
    ...nonZero,
    terminatingReplicas: terminating,
    conditions: conditions(deployment, fresh, old, counts, now),
  });
}

type Counts = Readonly<Record<"replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas", number>>;

function conditions(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[], counts: Counts, now: number): readonly Condition[] {
  const before = deployment.status?.conditions ?? [];
  const enough = counts.availableReplicas >= deployment.spec.replicas - limits(deployment).maxUnavailable;
  const availability = enough
    ? { status: "True" as const, reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
    : { status: "False" as const, reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability." };
  const failed = [fresh, ...old].map((set) => conditionOf(set?.status?.conditions, "ReplicaFailure")).find((condition) => condition !== undefined);
  const failure = failed && { status: failed.status, reason: "FailedCreate", message: failed.message ?? "" };
  return [
    ...moved(before, "Available", availability, now),
    ...(failure === undefined ? [] : moved(before, "ReplicaFailure", failure, now)),
    ...moved(before, "Progressing", progress(deployment, fresh, counts, now), now),
  ];
}

type News = { readonly status: Condition["status"]; readonly reason?: string; readonly message?: string; readonly updated?: boolean };

/** The condition with these news. Its times move as in Kubernetes: the transition with the status, the update with the reason. */
function moved(before: readonly Condition[], type: string, news: News | undefined, now: number): readonly Condition[] {
  const last = conditionOf(before, type);
  if (news === undefined) return last === undefined ? [] : [last];
  const { updated = false, ...rest } = news;
  const at = timestamp(now);
  const sameStatus = last?.status === rest.status;
  if (last !== undefined && sameStatus && last.reason === rest.reason && !updated) return [{ ...last, ...rest }];
  return [{ type, ...rest, lastUpdateTime: at, lastTransitionTime: sameStatus && last !== undefined ? last.lastTransitionTime : at }];
}

const isComplete = ({ spec }: Deployment, { updatedReplicas, replicas, availableReplicas }: Counts): boolean =>
  updatedReplicas === spec.replicas && replicas === spec.replicas && availableReplicas === spec.replicas;

/** Undefined: as it was. */
function progress(deployment: Deployment, fresh: ReplicaSet | undefined, counts: Counts, now: number): News | undefined {
  const last = conditionOf(deployment.status?.conditions, "Progressing");
  if (fresh === undefined) return undefined;
  const name = `ReplicaSet "${fresh.metadata.name}"`;
  if (isComplete(deployment, counts)) return { status: "True", reason: "NewReplicaSetAvailable", message: `${name} has successfully progressed.` };
  if (advanced(deployment, counts)) return { status: "True", reason: "ReplicaSetUpdated", message: `${name} is progressing.`, updated: true };
  if (last === undefined) return { status: "True", reason: "NewReplicaSetCreated", message: `Created new replica set "${fresh.metadata.name}"` };
  if (deadlineIn(deployment, now) <= 0) return { status: "False", reason: "ProgressDeadlineExceeded", message: `${name} has timed out progressing.` };
  return undefined;
}

function advanced({ status }: Deployment, counts: Counts): boolean {
  const last = (field: keyof Counts): number => (typeof status?.[field] === "number" ? status[field] : 0);
  const oldLeft = counts.replicas - counts.updatedReplicas;
  return (
    counts.updatedReplicas > last("updatedReplicas") || oldLeft < last("replicas") - last("updatedReplicas") || counts.readyReplicas > last("readyReplicas") || counts.availableReplicas > last("availableReplicas")
  );
}

/** Milliseconds until the Deployment has made no progress for too long. Infinite when it need not make any. */
export function deadlineIn({ spec, status }: Deployment, now: number): number {
  const last = conditionOf(status?.conditions, "Progressing");
  if (last === undefined || last.reason === "NewReplicaSetAvailable") return Number.POSITIVE_INFINITY;
  if (last.reason === "ProgressDeadlineExceeded") return 0;
  return Date.parse(last.lastUpdateTime ?? last.lastTransitionTime) + spec.progressDeadlineSeconds * 1_000 - now;
}
