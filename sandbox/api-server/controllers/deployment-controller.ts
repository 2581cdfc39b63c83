import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { kindNamed } from "../kind.ts";
import {
  type Condition,
  type Deployment,
  isDeployment,
  isPod,
  isReplicaSet,
  isTerminating,
  type PodTemplate,
  podsOf,
  type ReplicaSet,
  replicaSetsOf,
} from "../workload.ts";
import { renewed } from "./condition.ts";
import { type Control, createObject, createQueue, writeObject, writeStatus } from "./controller.ts";
import { created, deadlineIn, deploymentStatus, type Rollout, withPause } from "./deployment-status.ts";
import { ownerReference } from "./replica-set-controller.ts";
import {
  desiredAnnotation,
  isResized,
  limits,
  maximumAnnotation,
  resize,
  rollingStep,
  type Scaling,
} from "./rolling-update.ts";

const revision = "deployment.kubernetes.io/revision";
const hashLabel = "pod-template-hash";

const revisionOf = ({ metadata }: ReplicaSet | Deployment): number => Number(metadata.annotations?.[revision] ?? 0);

/** Makes a ReplicaSet for each pod template that a Deployment ever had, and moves its replicas from the old ones to the new one. */
export function startDeploymentController(control: Control): void {
  const { store, clock, objects } = control;
  const replicaSets = kindNamed("replicasets");

  const queue = createQueue(control, (object) => {
    if (!isDeployment(object) || isTerminating(object)) return;
    const rollout = advance(observe(withConditions(object, withPause(object, clock.now()))));
    report(rollout);
    forget(rollout);
  });

  function observe(deployment: Deployment): Rollout {
    const all = [...replicaSetsOf(store, deployment)].sort((a, b) => revisionOf(a) - revisionOf(b));
    const fresh = all.find((set) => isDeepStrictEqual(templateOf(set), deployment.spec.template));
    return { deployment, fresh, old: all.filter((set) => set !== fresh) };
  }

  /** One step towards the template and the size that the Deployment wants. */
  function advance(rollout: Rollout): Rollout {
    const { deployment, fresh, old } = rollout;
    const sets = [...(fresh === undefined ? [] : [fresh]), ...old];
    if (deployment.spec.paused || isResized(deployment, sets)) return scaled(rollout, resize(deployment, fresh, old));
    if (deployment.spec.strategy.type === "Recreate") return recreate(rollout);
    const begun = withFresh(rollout);
    return begun.fresh === undefined ? begun : scaled(begun, rollingStep(begun.deployment, begun.fresh, begun.old));
  }

  /** Without rolling: first every old pod goes, then the new ones come. */
  function recreate(rollout: Rollout): Rollout {
    const busy = rollout.old.filter(({ spec }) => spec.replicas > 0);
    if (busy.length > 0)
      return scaled(
        rollout,
        busy.map((replicaSet) => ({ replicaSet, replicas: 0 })),
      );
    if (rollout.old.some((set) => podsOf(store, set).length > 0)) return rollout;
    const begun = withFresh(rollout);
    return begun.fresh === undefined
      ? begun
      : scaled(begun, [{ replicaSet: begun.fresh, replicas: begun.deployment.spec.replicas }]);
  }

  /** The set of the present template, made if need be, is the newest revision. */
  function withFresh(rollout: Rollout): Rollout {
    const highest = Math.max(0, ...rollout.old.map(revisionOf));
    const known = rollout.fresh;
    if (known === undefined) {
      const fresh = createReplicaSet(rollout, highest + 1);
      const conditions = renewed(rollout.deployment.status?.conditions ?? [], created(fresh), clock.now());
      return {
        ...rollout,
        fresh,
        deployment: withRevision(withConditions(rollout.deployment, conditions), highest + 1),
      };
    }
    const wanted = Math.max(revisionOf(known), highest + (revisionOf(known) > highest ? 0 : 1));
    const fresh =
      wanted === revisionOf(known) ? known : writeReplicaSet(annotated(known, { [revision]: String(wanted) }));
    return { ...rollout, fresh, deployment: withRevision(rollout.deployment, wanted) };
  }

  function withRevision(deployment: Deployment, wanted: number): Deployment {
    if (revisionOf(deployment) === wanted) return deployment;
    const written = writeObject(control, annotated(deployment, { [revision]: String(wanted) }));
    return { ...deployment, metadata: written.metadata };
  }

  function createReplicaSet({ deployment, old }: Rollout, number: number): ReplicaSet {
    const { name, namespace } = deployment.metadata;
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = hashOf(template);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const annotations = { ...inherited(deployment), [revision]: String(number), ...sizes(deployment) };
    const made = createObject(control, replicaSets, namespace, {
      metadata: { name: `${name}-${hash}`, labels, annotations, ownerReferences: [ownerReference(deployment)] },
      spec: {
        replicas: firstReplicas(deployment, old),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      },
    });
    return asReplicaSet(made);
  }

  const writeReplicaSet = (set: ReplicaSet): ReplicaSet => asReplicaSet(writeObject(control, set));

  function scaled(rollout: Rollout, scalings: readonly Scaling[]): Rollout {
    const apply = (set: ReplicaSet): ReplicaSet => {
      const scaling = scalings.find(({ replicaSet }) => replicaSet === set);
      if (scaling === undefined || scaling.replicas === set.spec.replicas) return sized(set, rollout.deployment);
      return writeReplicaSet({
        ...annotated(set, sizes(rollout.deployment)),
        spec: { ...set.spec, replicas: scaling.replicas },
      });
    };
    return { ...rollout, fresh: rollout.fresh && apply(rollout.fresh), old: rollout.old.map(apply) };
  }

  /** A set that keeps its size still notes which size of the Deployment it belongs to. */
  function sized(set: ReplicaSet, deployment: Deployment): ReplicaSet {
    const noted = Object.entries(sizes(deployment)).every(
      ([name, value]) => set.metadata.annotations?.[name] === value,
    );
    return noted || set.spec.replicas === 0 ? set : writeReplicaSet(annotated(set, sizes(deployment)));
  }

  function report(rollout: Rollout): void {
    const { deployment, fresh, old } = rollout;
    const terminating = [...(fresh === undefined ? [] : [fresh]), ...old]
      .flatMap((set) => podsOf(store, set))
      .filter(isTerminating).length;
    const status = deploymentStatus(rollout, terminating, clock.now());
    writeStatus(control, deployment, status);
    const left = deadlineIn(deployment, status.conditions as readonly Condition[], clock.now());
    if (left > 0 && Number.isFinite(left)) queue.addAfter(left, deployment);
  }

  function forget({ deployment, fresh, old }: Rollout): void {
    if (fresh === undefined) return;
    const empty = old.filter(({ spec, status }) => spec.replicas === 0 && (status?.replicas ?? 0) === 0);
    for (const set of empty.slice(0, Math.max(0, old.length - deployment.spec.revisionHistoryLimit)))
      objects.delete(replicaSets, set, {});
  }

  store.subscribe(({ type, object }) => {
    if (isDeployment(object) && type !== "removed") queue.add(object);
    if (!(isReplicaSet(object) || isPod(object))) return;
    for (const deployment of store.list(kindNamed("deployments"), object.metadata.namespace)) {
      const owns = (uid: string): boolean => deployment.metadata.uid === uid;
      const owners = object.metadata.ownerReferences ?? [];
      const direct = owners.some(({ uid }) => owns(uid));
      const byReplicaSet =
        isPod(object) &&
        owners.some(({ uid }) => store.withUid(uid)?.metadata.ownerReferences?.some((owner) => owns(owner.uid)));
      if (direct || byReplicaSet) queue.add(deployment);
    }
  });
}

function asReplicaSet(
  object: { readonly metadata: ReplicaSet["metadata"] } & ReturnType<typeof writeObject>,
): ReplicaSet {
  if (!isReplicaSet(object)) throw new Error(`the ReplicaSet ${object.metadata.name} has no spec`);
  return object;
}

const withConditions = (deployment: Deployment, conditions: readonly Condition[]): Deployment => ({
  ...deployment,
  status: { ...deployment.status, conditions },
});

/** The template without the label that tells ReplicaSets apart. */
function templateOf({ spec }: ReplicaSet): PodTemplate {
  const { [hashLabel]: _, ...labels } = spec.template.metadata?.labels ?? {};
  return {
    ...spec.template,
    metadata: { ...spec.template.metadata, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
  };
}

const letters = "bcdfghjklmnpqrstvwxz2456789";

const hashOf = (template: PodTemplate): string =>
  [...createHash("sha256").update(JSON.stringify(template)).digest().subarray(0, 10)]
    .map((byte) => letters[byte % letters.length])
    .join("");

/** The surge limits the first size, too. */
function firstReplicas(deployment: Deployment, old: readonly ReplicaSet[]): number {
  const { replicas, strategy } = deployment.spec;
  if (strategy.type === "Recreate") return replicas;
  const present = old.reduce((sum, { spec }) => sum + spec.replicas, 0);
  return Math.max(0, Math.min(replicas, replicas + limits(deployment).maxSurge - present));
}

const sizes = (deployment: Deployment): Readonly<Record<string, string>> => ({
  [desiredAnnotation]: String(deployment.spec.replicas),
  [maximumAnnotation]: String(deployment.spec.replicas + limits(deployment).maxSurge),
});

const inherited = ({ metadata }: Deployment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(
      ([name]) =>
        name !== "kubectl.kubernetes.io/last-applied-configuration" && !name.startsWith("deployment.kubernetes.io/"),
    ),
  );

const annotated = <T extends ReplicaSet | Deployment>(object: T, annotations: Readonly<Record<string, string>>): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});
