import type { Replicas } from "./target.ts";

/** What the number of the canary's pods follows from. */
export type ReplicaQuestion = {
  readonly wanted: Replicas;
  /** The canary's share that is to come, in percent. */
  readonly weight: number;
  readonly stable: number;
  /**
   * What the canary's Deployment asks for now, and asked for before the release (or in its manifest); 0 when there was
   * none.
   */
  readonly current: number;
  readonly original: number;
  /**
   * A HorizontalPodAutoscaler decides. At 0 replicas it is switched off:
   * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation
   */
  readonly autoscaled: boolean;
};

/** How many pods the canary is to have: at least one, and never fewer than it has. */
export function replicasFor({ wanted, weight, stable, current, original, autoscaled }: ReplicaQuestion): number {
  const share = (percent: number): number => Math.ceil((percent * stable) / 100);
  // One pod's own luck is not the version's: docs/decisions/0025-pods-that-differ.md.
  const byWeight = (least = 1): number => Math.max(share(weight), Math.min(least, stable));
  const asked = (): number => {
    switch (wanted.kind) {
      case "keep": // a canary that rested at 0 has no number to keep
        return original > 0 ? 0 : byWeight(wanted.least);
      case "count":
        return wanted.count;
      case "percent":
        return share(wanted.percent);
      case "by-weight":
        return byWeight(wanted.least);
    }
  };
  // An autoscaler that is off scales nothing up from the one pod that would switch it on, until there is traffic.
  const begins = current === 0 && (wanted.kind === "count" || wanted.kind === "percent");
  return Math.max(1, current, autoscaled && !begins ? 0 : asked());
}
