import { type Kind, kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import { timestamp } from "../sandbox/api-server/object.ts";
import type { Store } from "../sandbox/api-server/store.ts";
import { type Deployment, isDeployment, type Pod, podsOf, type ReplicaSet } from "../sandbox/api-server/workload.ts";
import type { Millis } from "../src/lib/duration.ts";
import { uuid } from "../src/lib/uuid.ts";
import type { Chance } from "./chance.ts";
import { behaviourOf } from "./image.ts";
import type { Timeline } from "./timeline.ts";

export type ControllerOptions = {
  /** From the change of a Deployment until its pods are made. */
  readonly notices: Millis;
  /** From the making of a pod until it is ready. */
  readonly starts: Millis;
};

const [deployments, replicaSets, pods] = [kindNamed("deployments"), kindNamed("replicasets"), kindNamed("pods")];
const revisionAnnotation = "deployment.kubernetes.io/revision";

/**
 * What the controllers and the kubelet make of Deployments, coarsely: pods of a template come together and get ready
 * together, and those of older templates go when the new ones are ready. What they write is written straight into the
 * store: nobody reads whose fields in a pod are whose.
 */
export function startControllers(timeline: Timeline, store: Store, chance: Chance, options: ControllerOptions): void {
  const queued = new Set<string>();

  function enqueue({ metadata }: StoredObject, delay: Millis): void {
    if (queued.has(metadata.name)) return;
    queued.add(metadata.name);
    timeline.after(delay, () => {
      queued.delete(metadata.name);
      const live = store.get(deployments, metadata.namespace, metadata.name);
      if (live && isDeployment(live)) reconcile(live);
    });
  }

  function reconcile(deployment: Deployment): void {
    const fresh = freshSet(deployment);
    const wanted = deployment.spec.replicas;
    const living = podsOf(store, fresh);
    for (const pod of living.slice(wanted)) store.remove(pods, pod);
    for (let made = living.length; made < wanted; made++) start(deployment, fresh);
    if (living.slice(0, wanted).filter(isReady).length >= wanted) retireOld(deployment, fresh);
    report(deployment, fresh);
  }

  function freshSet(deployment: Deployment): ReplicaSet {
    const { name, namespace, uid } = deployment.metadata;
    const { template, selector } = deployment.spec;
    const hash = hashOf(JSON.stringify(template));
    const found = store.get(replicaSets, namespace, `${name}-${hash}`);
    const others = store
      .list(replicaSets, namespace)
      .filter((set) => isOwnedBy(set, uid) && set.metadata.uid !== found?.metadata.uid);
    const newest = Math.max(0, ...others.map(revisionOf));
    if (found && revisionOf(found) > newest) return found as ReplicaSet;
    const number = String(newest + 1);
    annotate(deployments, deployment, number);
    // A template that was there before is the newest revision from now on.
    if (found) return annotate(replicaSets, found, number) as ReplicaSet;
    const labels = { ...template.metadata?.labels, "pod-template-hash": hash };
    return store.put(replicaSets, {
      apiVersion: "",
      kind: "",
      metadata: {
        ...identity(`${name}-${hash}`, deployment),
        labels,
        annotations: { [revisionAnnotation]: number },
      },
      spec: {
        replicas: deployment.spec.replicas,
        selector,
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }) as ReplicaSet;
  }

  function annotate(kind: Kind, { metadata: { namespace, name } }: StoredObject, number: string) {
    const live = store.get(kind, namespace, name);
    if (!live) return undefined;
    const annotations = { ...live.metadata.annotations, [revisionAnnotation]: number };
    return store.put(kind, { ...live, metadata: { ...live.metadata, annotations } });
  }

  const identity = (name: string, owner: StoredObject) => ({
    name,
    namespace: owner.metadata.namespace ?? "",
    uid: uuid(chance.next),
    resourceVersion: "",
    creationTimestamp: timestamp(timeline.now()),
    ownerReferences: [
      {
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
        controller: true,
      },
    ],
  });

  function start(deployment: Deployment, set: ReplicaSet): void {
    const { template } = set.spec;
    const name = `${set.metadata.name}-${Math.floor(chance.next() * 36 ** 5)
      .toString(36)
      .padStart(5, "0")}`;
    const made = store.put(pods, {
      apiVersion: "",
      kind: "",
      metadata: { ...identity(name, set), labels: template.metadata?.labels ?? {} },
      spec: template.spec,
      status: statusOf(template.spec, "ContainerCreating", 0, timestamp(timeline.now())),
    }) as Pod;
    const { starts, diesAfter } = behaviourOf(imageOf(made));
    change(deployment, made, options.starts, starts ? undefined : "ImagePullBackOff");
    if (diesAfter !== undefined) change(deployment, made, options.starts + diesAfter, "CrashLoopBackOff");
  }

  /** The containers of a pod get ready, or wait for a reason, after a while. */
  function change(deployment: Deployment, pod: Pod, delay: Millis, waits: string | undefined): void {
    timeline.after(delay, () => {
      const live = store.get(pods, pod.metadata.namespace, pod.metadata.name) as Pod | undefined;
      if (live?.metadata.uid !== pod.metadata.uid) return;
      const restarts = waits === "CrashLoopBackOff" ? 2 : 0;
      store.put(pods, { ...live, status: statusOf(live.spec, waits, restarts, timestamp(timeline.now())) });
      enqueue(deployment, 0);
    });
  }

  function retireOld(deployment: Deployment, fresh: ReplicaSet): void {
    for (const set of store.list(replicaSets, deployment.metadata.namespace)) {
      if (set.metadata.uid === fresh.metadata.uid || !isOwnedBy(set, deployment.metadata.uid)) continue;
      for (const pod of podsOf(store, set as ReplicaSet)) store.remove(pods, pod);
    }
  }

  function report(deployment: Deployment, fresh: ReplicaSet): void {
    const { namespace, name, uid } = deployment.metadata;
    const live = store.get(deployments, namespace, name);
    if (!live) return;
    const updated = podsOf(store, fresh);
    const sets = store.list(replicaSets, namespace).filter((set) => isOwnedBy(set, uid));
    const all = sets.flatMap((set) => podsOf(store, set as ReplicaSet));
    const available = all.filter(isReady).length;
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: all.length,
      updatedReplicas: updated.length,
      readyReplicas: available,
      availableReplicas: available,
      conditions: [],
    };
    if (JSON.stringify(live.status) !== JSON.stringify(status)) store.put(deployments, { ...live, status });
  }

  /** The garbage collector: what a Deployment made goes with it. */
  function collect({ metadata: { uid, namespace } }: StoredObject): void {
    for (const set of store.list(replicaSets, namespace).filter((each) => isOwnedBy(each, uid))) {
      for (const pod of podsOf(store, set as ReplicaSet)) store.remove(pods, pod);
      store.remove(replicaSets, set);
    }
  }

  store.subscribe(({ type, kind, object }) => {
    if (kind !== deployments) return;
    if (type === "removed") collect(object);
    else if (observed(object) !== object.metadata.generation) enqueue(object, options.notices);
  });
}

const revisionOf = ({ metadata }: StoredObject): number => Number(metadata.annotations?.[revisionAnnotation] ?? 0);

const isOwnedBy = ({ metadata }: StoredObject, uid: string): boolean => metadata.ownerReferences?.[0]?.uid === uid;

const observed = ({ status }: StoredObject): unknown =>
  (status as { observedGeneration?: number } | undefined)?.observedGeneration;

export const isReady = ({ status }: Pod): boolean => status?.conditions?.[0]?.status === "True";

/** The first container is the service's own. */
export const imageOf = ({ spec }: Pod): string => spec.containers[0]?.image ?? "";

function statusOf(
  spec: Pod["spec"],
  waits: string | undefined,
  restartCount: number,
  at: string,
): NonNullable<Pod["status"]> {
  const ready = waits === undefined;
  const state = ready ? { running: { startedAt: at } } : { waiting: { reason: waits } };
  return {
    phase: ready ? "Running" : "Pending",
    podIP: "10.0.0.1",
    conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: at }],
    containerStatuses: spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: ready ? `${image.split(":")[0]}@sha256:${hashOf(image)}` : "",
      ready,
      started: ready,
      restartCount,
      state,
      lastState: {},
    })),
  };
}

const hashes = new Map<string, string>();

function hashOf(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  let value = 7n;
  for (const letter of text) value = (value * 1_000_003n + BigInt(letter.codePointAt(0) ?? 0)) % 2n ** 50n;
  const hash = value.toString(36).padStart(10, "b");
  if (hashes.size < 1_000) hashes.set(text, hash);
  return hash;
}
