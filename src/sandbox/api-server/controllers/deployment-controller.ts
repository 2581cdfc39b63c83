import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { kindNamed } from "../kind.ts";
import { type Deployment, isDeployment, isPod, isReplicaSet, isTerminating, podsOf, type PodTemplate, type ReplicaSet, replicaSetsOf } from "../workload.ts";
import { type Control, createObject, createQueue, writeObject, writeStatus } from "./controller.ts";
import { deadlineIn, deploymentStatus } from "./deployment-status.ts";
import { ownerReference } from "./replica-set-controller.ts";
import { limits, recreateStep, rollingStep, type Scaling } from "./rolling-update.ts";

const revisionOf = ({ metadata }: ReplicaSet | Deployment): number => Number(metadata.annotations?.[revision] ?? 0);
const revision = "deployment.kubernetes.io/revision";
const hashLabel = "pod-template-hash";

/** Makes a ReplicaSet for each pod template that a Deployment ever had, and moves its replicas from the old ones to the new one. */
export function startDeploymentController(control: Control): void {
  const { store, clock, objects } = control;
  const replicaSets = kindNamed("replicasets");

  const queue = createQueue(control, (object) => {
    if (!isDeployment(object) || isTerminating(object)) return;
    const all = [...replicaSetsOf(store, object)].sort((a, b) => revisionOf(a) - revisionOf(b));
    const fresh = all.find((set) => isDeepStrictEqual(templateOf(set), object.spec.template)) ?? (object.spec.paused ? undefined : createReplicaSet(object, all));
    const old = all.filter((set) => set.metadata.uid !== fresh?.metadata.uid);
    const deployment = withRevision(object, fresh, all);
    for (const { replicaSet, replicas } of steps(deployment, fresh, old)) scale(deployment, replicaSet, replicas);
    report(deployment, fresh, old);
    forget(deployment, fresh, old);
  });

  function createReplicaSet(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet {
    const { name, namespace } = deployment.metadata;
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = hashOf(template);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const created = createObject(control, replicaSets, namespace, {
      metadata: {
        name: `${name}-${hash}`,
        labels,
        annotations: { ...inherited(deployment), [revision]: String(Math.max(0, ...all.map(revisionOf)) + 1), ...sizes(deployment) },
        ownerReferences: [ownerReference(deployment)],
      },
      spec: {
        replicas: firstReplicas(deployment, all),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      },
    });
    if (!isReplicaSet(created)) throw new Error(`the ReplicaSet ${name}-${hash} has no spec`);
    return created;
  }

  /** A set that is used again becomes the newest revision. */
  function withRevision(deployment: Deployment, fresh: ReplicaSet | undefined, all: readonly ReplicaSet[]): Deployment {
    if (fresh === undefined) return deployment;
    const highest = Math.max(0, ...all.map(revisionOf));
    const wanted = revisionOf(fresh) >= highest ? revisionOf(fresh) : highest + 1;
    if (wanted !== revisionOf(fresh)) writeObject(control, annotated(fresh, { [revision]: String(wanted) }));
    if (revisionOf(deployment) === wanted) return deployment;
    const written = writeObject(control, annotated(deployment, { [revision]: String(wanted) }));
    return isDeployment(written) ? written : deployment;
  }

  function steps(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): readonly Scaling[] {
    if (deployment.spec.strategy.type === "Recreate") return recreateStep(deployment, fresh, old, old.reduce((count, set) => count + podsOf(store, set).length, 0));
    return fresh === undefined ? [] : rollingStep(deployment, fresh, old);
  }

  function scale(deployment: Deployment, replicaSet: ReplicaSet, replicas: number): void {
    const present = store.get(replicaSets, replicaSet.metadata.namespace, replicaSet.metadata.name);
    if (present === undefined || !isReplicaSet(present)) return;
    writeObject(control, { ...annotated(present, sizes(deployment)), spec: { ...present.spec, replicas } });
  }

  function report(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): void {
    const live = (set: ReplicaSet): ReplicaSet => {
      const present = store.get(replicaSets, set.metadata.namespace, set.metadata.name);
      return present !== undefined && isReplicaSet(present) ? present : set;
    };
    const sets = [...(fresh === undefined ? [] : [fresh]), ...old];
    const terminating = sets.flatMap((set) => podsOf(store, set)).filter(isTerminating).length;
    const status = deploymentStatus(deployment, fresh === undefined ? undefined : live(fresh), old.map(live), terminating, clock.now());
    writeStatus(control, deployment, status);
    const left = deadlineIn({ ...deployment, status }, clock.now());
    if (left > 0 && Number.isFinite(left)) clock.after(left, () => queue.add(deployment));
  }

  function forget(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): void {
    if (fresh === undefined) return;
    const empty = old.filter(({ spec, status }) => spec.replicas === 0 && (status?.replicas ?? 0) === 0);
    for (const set of empty.slice(0, Math.max(0, old.length - deployment.spec.revisionHistoryLimit))) objects.delete(replicaSets, set, {});
  }

  store.subscribe(({ type, object }) => {
    if (isDeployment(object) && type !== "removed") queue.add(object);
    if (!(isReplicaSet(object) || isPod(object))) return;
    for (const deployment of store.list(kindNamed("deployments"), object.metadata.namespace)) {
      const owns = (uid: string): boolean => deployment.metadata.uid === uid;
      const owners = object.metadata.ownerReferences ?? [];
      const direct = owners.some(({ uid }) => owns(uid));
      const byReplicaSet = isPod(object) && owners.some(({ uid }) => store.withUid(uid)?.metadata.ownerReferences?.some((owner) => owns(owner.uid)));
      if (direct || byReplicaSet) queue.add(deployment);
    }
  });
}

/** The template without the label that tells ReplicaSets apart. */
function templateOf({ spec }: ReplicaSet): PodTemplate {
  const { [hashLabel]: _, ...labels } = spec.template.metadata?.labels ?? {};
  return { ...spec.template, metadata: { ...spec.template.metadata, ...(Object.keys(labels).length === 0 ? {} : { labels }) } };
}

const letters = "bcdfghjklmnpqrstvwxz2456789";

const hashOf = (template: PodTemplate): string =>
  [...createHash("sha256").update(JSON.stringify(template)).digest().subarray(0, 10)].map((byte) => letters[byte % letters.length]).join("");

/** The surge limits the first size, too. */
function firstReplicas(deployment: Deployment, all: readonly ReplicaSet[]): number {
  const { replicas, strategy } = deployment.spec;
  const present = all.reduce((sum, { spec }) => sum + spec.replicas, 0);
  if (strategy.type === "Recreate") return present > 0 ? 0 : replicas;
  return Math.max(0, Math.min(replicas, replicas + limits(deployment).maxSurge - present));
}

const sizes = (deployment: Deployment): Readonly<Record<string, string>> => ({
  "deployment.kubernetes.io/desired-replicas": String(deployment.spec.replicas),
  "deployment.kubernetes.io/max-replicas": String(deployment.spec.replicas + limits(deployment).maxSurge),
});

const inherited = ({ metadata }: Deployment): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => name !== "kubectl.kubernetes.io/last-applied-configuration" && !name.startsWith("deployment.kubernetes.io/")));

const annotated = <T extends ReplicaSet | Deployment>(object: T, annotations: Readonly<Record<string, string>>): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});
