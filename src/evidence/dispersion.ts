/** One pod's requests in one window of a minute. */
export type PodCount = { readonly requests: number; readonly errors: number };

/**
 * φ, the factor by which errors vary more than independent ones would: Pearson's χ² over its degrees of freedom, of the
 * errors of stable's pods in each window before the release. Pods are compared within a window only, so a rate that
 * moves with the time of day adds nothing, and windows count by their errors: a window with one small cluster says
 * less about large ones. `own`: each pod's rate as a part of all pods', so that what pods differ by all the time is none
 * of it; they stand at the same place in each window. At least 1; 1 also where nothing can be compared (one pod, no
 * error).
 */
export function dispersionOf(windows: readonly (readonly PodCount[])[], own: readonly number[] = []): number {
  let weighted = 0;
  let weights = 0;
  for (const window of windows) {
    const pods = window
      .map((pod, index) => ({ ...pod, weight: pod.requests * (own[index] ?? 1) }))
      .filter(({ weight }) => weight > 0);
    const weight = pods.reduce((sum, pod) => sum + pod.weight, 0);
    const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
    const errors = pods.reduce((sum, pod) => sum + pod.errors, 0);
    if (pods.length < 2 || errors === 0 || errors === requests) continue;
    const chiSquare = pods.reduce((sum, pod) => {
      const expected = (errors * pod.weight) / weight;
      return sum + (pod.errors - expected) ** 2 / (expected * (1 - Math.min(mostly, expected / pod.requests)));
    }, 0);
    weighted += (errors * chiSquare) / (pods.length - 1);
    weights += errors;
  }
  return weights === 0 ? 1 : Math.max(1, weighted / weights);
}

/** Of a pod whose own rate would have it fail more requests than it had. */
const mostly = 0.99;
