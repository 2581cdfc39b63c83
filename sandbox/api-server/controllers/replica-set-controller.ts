import { kindNamed } from "../kind.ts";
import type { OwnerReference, StoredObject } from "../object.ts";
import { timestamp, withoutUndefined } from "../object.ts";
import { randomName } from "../objects.ts";
import {
  type Condition,
  conditionOf,
  isPod,
  isReady,
  isReplicaSet,
  isTerminating,
  type Pod,
  podsOf,
  type ReplicaSet,
} from "../workload.ts";
import { type Control, createObject, createQueue, writeStatus } from "./controller.ts";

/** A ResourceQuota for each namespace. */
export type Quota = { readonly pods: number };

/** When a quota refused a pod, it is tried again after this long, or when a pod went away. */
const quotaRetry = 1_000;

export const ownerReference = ({ apiVersion, kind, metadata }: StoredObject): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** Keeps as many pods as each ReplicaSet says, and counts them in its status. */
export function startReplicaSetController(control: Control, quota: () => Quota | undefined): void {
  const { store, clock, objects } = control;
  const pods = kindNamed("pods");

  const queue = createQueue(control, (object) => {
    if (!isReplicaSet(object) || isTerminating(object)) return;
    const refused = adjust(object);
    count(object, refused);
    if (refused !== undefined) queue.addAfter(quotaRetry, object);
  });

  /** Makes or deletes pods; the answer is what stood in the way. */
  function adjust(replicaSet: ReplicaSet): string | undefined {
    const active = podsOf(store, replicaSet).filter((pod) => !isTerminating(pod));
    const missing = replicaSet.spec.replicas - active.length;
    for (const pod of [...active].sort(deletedFirst).slice(0, Math.max(0, -missing))) objects.delete(pods, pod, {});
    for (let made = 0; made < missing; made++) {
      const refused = overQuota(replicaSet);
      if (refused !== undefined) return refused;
      createPod(replicaSet);
    }
    return undefined;
  }

  function overQuota({ metadata }: ReplicaSet): string | undefined {
    const limit = quota()?.pods;
    const used = store.list(pods, metadata.namespace).length;
    if (limit === undefined || used < limit) return undefined;
    return `pods "${randomName(`${metadata.name}-`)}" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=${used}, limited: pods=${limit}`;
  }

  function createPod(replicaSet: ReplicaSet): void {
    const { metadata = {}, spec } = replicaSet.spec.template;
    createObject(control, pods, replicaSet.metadata.namespace, {
      metadata: {
        ...metadata,
        generateName: `${replicaSet.metadata.name}-`,
        ownerReferences: [ownerReference(replicaSet)],
      },
      spec,
    });
  }

  function count(replicaSet: ReplicaSet, refused: string | undefined): void {
    const all = podsOf(store, replicaSet);
    const active = all.filter((pod) => !isTerminating(pod));
    const ready = active.filter(isReady);
    const soon = ready.map((pod) => availableIn(pod, replicaSet.spec.minReadySeconds ?? 0, clock.now()));
    const next = Math.min(...soon.filter((left) => left > 0));
    if (Number.isFinite(next)) queue.addAfter(next, replicaSet);
    const nonZero = (count: number): number | undefined => (count === 0 ? undefined : count);
    const conditions = failureCondition(replicaSet, refused, timestamp(clock.now()));
    writeStatus(
      control,
      replicaSet,
      withoutUndefined({
        replicas: active.length,
        fullyLabeledReplicas: nonZero(active.length),
        readyReplicas: nonZero(ready.length),
        availableReplicas: nonZero(soon.filter((left) => left <= 0).length),
        terminatingReplicas: all.length - active.length,
        observedGeneration: replicaSet.metadata.generation,
        conditions: conditions.length === 0 ? undefined : conditions,
      }),
    );
  }

  store.subscribe(({ type, object }) => {
    if (isReplicaSet(object) && type !== "removed") queue.add(object);
    if (!isPod(object)) return;
    for (const replicaSet of store.list(kindNamed("replicasets"), object.metadata.namespace).filter(isReplicaSet)) {
      const owned = object.metadata.ownerReferences?.some(({ uid }) => uid === replicaSet.metadata.uid) ?? false;
      const waitsForQuota =
        type === "removed" && conditionOf(replicaSet.status?.conditions, "ReplicaFailure") !== undefined;
      if (owned || waitsForQuota) queue.add(replicaSet);
    }
  });
}

/** Pods that serve least go first, the youngest among them: https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/controller_utils.go */
const deletedFirst = (a: Pod, b: Pod): number =>
  Number(a.spec.nodeName !== undefined) - Number(b.spec.nodeName !== undefined) ||
  Number(isReady(a)) - Number(isReady(b)) ||
  restarts(b) - restarts(a) ||
  Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp);

const restarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));

/** Milliseconds until a ready pod counts as available; not above zero when it does. */
function availableIn(pod: Pod, minReadySeconds: number, now: number): number {
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(conditionOf(pod.status?.conditions, "Ready")?.lastTransitionTime ?? "");
  return since + minReadySeconds * 1_000 - now;
}

function failureCondition(replicaSet: ReplicaSet, refused: string | undefined, now: string): readonly Condition[] {
  const before = replicaSet.status?.conditions ?? [];
  const rest = before.filter(({ type }) => type !== "ReplicaFailure");
  if (refused === undefined) return rest;
  const first = conditionOf(before, "ReplicaFailure");
  return [
    ...rest,
    first ?? {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: refused,
      lastTransitionTime: now,
    },
  ];
}
