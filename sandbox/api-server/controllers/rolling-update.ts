import type { Deployment, ReplicaSet } from "../workload.ts";

/** How many replicas a ReplicaSet should have now. */
export type Scaling = { readonly replicaSet: ReplicaSet; readonly replicas: number };

const resolve = (value: number | string | undefined, total: number, round: (value: number) => number): number =>
  typeof value === "string" ? round((Number.parseInt(value, 10) / 100) * total) : (value ?? 0);

/** How many pods may be too many, and how many may be missing. Both cannot be zero in a rolling update, or nothing would ever move. */
export function limits({ spec }: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (spec.strategy.type !== "RollingUpdate") return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = resolve(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, Math.ceil);
  const maxUnavailable = resolve(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, Math.floor);
  return {
    maxSurge,
    maxUnavailable: Math.min(spec.replicas, maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable),
  };
}

const wanted = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, { spec }) => sum + spec.replicas, 0);
const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;

/**
 * One step of a rolling update: the new set grows as far as the surge allows; then old sets lose the pods that do not serve,
 * and as many others as may be missing. https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/deployment/rolling.go
 */
export function rollingStep(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): readonly Scaling[] {
  const { replicas } = deployment.spec;
  const { maxSurge, maxUnavailable } = limits(deployment);
  const total = wanted([fresh, ...old]);
  if (fresh.spec.replicas > replicas) return [{ replicaSet: fresh, replicas }];
  if (fresh.spec.replicas < replicas && total < replicas + maxSurge) {
    return [{ replicaSet: fresh, replicas: Math.min(replicas, fresh.spec.replicas + replicas + maxSurge - total) }];
  }
  const mustServe = replicas - maxUnavailable;
  const removable = total - mustServe - (fresh.spec.replicas - available(fresh));
  return removable > 0 ? shrink(fresh, old, removable, mustServe) : [];
}

function shrink(
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
  removable: number,
  mustServe: number,
): readonly Scaling[] {
  const left = new Map(old.map((replicaSet) => [replicaSet, replicaSet.spec.replicas]));
  let broken = removable;
  for (const [replicaSet, replicas] of left) {
    const cut = Math.max(0, Math.min(replicas - available(replicaSet), broken));
    left.set(replicaSet, replicas - cut);
    broken -= cut;
  }
  let spare = [fresh, ...old].reduce((sum, replicaSet) => sum + available(replicaSet), 0) - mustServe;
  for (const [replicaSet, replicas] of left) {
    const cut = Math.max(0, Math.min(replicas, spare));
    left.set(replicaSet, replicas - cut);
    spare -= cut;
  }
  return changes([...left].map(([replicaSet, replicas]) => ({ replicaSet, replicas })));
}

const changes = (scalings: readonly Scaling[]): readonly Scaling[] =>
  scalings.filter(({ replicaSet, replicas }) => replicas !== replicaSet.spec.replicas);

export const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maximumAnnotation = "deployment.kubernetes.io/max-replicas";

/** The sets still have the size of another `spec.replicas`. */
export const isResized = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets.some(
    ({ spec, metadata }) =>
      spec.replicas > 0 &&
      Number(metadata.annotations?.[desiredAnnotation] ?? deployment.spec.replicas) !== deployment.spec.replicas,
  );

/**
 * A Deployment that grows or shrinks while several of its sets have pods: each gets its share, so that a stuck rollout
 * does not give all new pods to the version that does not work.
 */
export function resize(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Scaling[] {
  const active = [...(fresh === undefined ? [] : [fresh]), ...old].filter(({ spec }) => spec.replicas > 0);
  const { replicas } = deployment.spec;
  const [only] = active.length === 0 ? [fresh ?? old.at(-1)] : active;
  if (active.length <= 1) return only === undefined ? [] : changes([{ replicaSet: only, replicas }]);
  const allowed = replicas > 0 ? replicas + limits(deployment).maxSurge : 0;
  let toAdd = allowed - wanted(active);
  const bySize = [...active].sort((a, b) => b.spec.replicas - a.spec.replicas);
  const scaled = bySize.map((replicaSet) => {
    const before = Number(replicaSet.metadata.annotations?.[maximumAnnotation] ?? allowed);
    const share = Math.round((replicaSet.spec.replicas * allowed) / before) - replicaSet.spec.replicas;
    const part = toAdd > 0 ? Math.min(Math.max(share, 0), toAdd) : Math.max(Math.min(share, 0), toAdd);
    toAdd -= part;
    return { replicaSet, replicas: replicaSet.spec.replicas + part };
  });
  return scaled.map((scaling, at) =>
    at === 0 ? { ...scaling, replicas: Math.max(0, scaling.replicas + toAdd) } : scaling,
  );
}
