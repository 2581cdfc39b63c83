import type { Deployment, ReplicaSet } from "../workload.ts";

/** How many replicas each ReplicaSet should have now. */
export type Scaling = { readonly replicaSet: ReplicaSet; readonly replicas: number };

const resolve = (value: number | string | undefined, total: number, round: (value: number) => number): number =>
  typeof value === "string" ? round((Number.parseInt(value, 10) / 100) * total) : (value ?? 0);

/** Both cannot be zero, or nothing would ever move. */
export function limits({ spec }: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (spec.strategy.type !== "RollingUpdate") return { maxSurge: 0, maxUnavailable: spec.replicas };
  const maxSurge = resolve(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, Math.ceil);
  const maxUnavailable = resolve(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, Math.floor);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : Math.min(maxUnavailable, spec.replicas) };
}

const wanted = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, { spec }) => sum + spec.replicas, 0);
const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;

/**
 * One step of a rolling update: the new set grows as far as the surge allows; old sets lose first the pods that do not serve,
 * then as many as may be unavailable. https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/deployment/rolling.go
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
  const freshUnavailable = fresh.spec.replicas - available(fresh);
  let removable = total - mustServe - freshUnavailable;
  if (removable <= 0) return [];
  const remaining = new Map(old.map((replicaSet) => [replicaSet, replicaSet.spec.replicas]));
  for (const replicaSet of old) {
    const broken = Math.min(replicaSet.spec.replicas - available(replicaSet), removable);
    remaining.set(replicaSet, replicaSet.spec.replicas - Math.max(0, broken));
    removable -= Math.max(0, broken);
  }
  let spare = [fresh, ...old].reduce((sum, replicaSet) => sum + available(replicaSet), 0) - mustServe;
  for (const [replicaSet, left] of remaining) {
    const cut = Math.max(0, Math.min(left, spare, available(replicaSet)));
    remaining.set(replicaSet, left - cut);
    spare -= cut;
  }
  return [...remaining].filter(([replicaSet, left]) => left !== replicaSet.spec.replicas).map(([replicaSet, left]) => ({ replicaSet, replicas: left }));
}

/** Without rolling: first every old pod goes, then the new ones come. `oldPods` counts those that are still there. */
export function recreateStep(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[], oldPods: number): readonly Scaling[] {
  const busy = old.filter(({ spec }) => spec.replicas > 0);
  if (busy.length > 0) return busy.map((replicaSet) => ({ replicaSet, replicas: 0 }));
  if (oldPods > 0 || fresh === undefined || fresh.spec.replicas === deployment.spec.replicas) return [];
  return [{ replicaSet: fresh, replicas: deployment.spec.replicas }];
}
