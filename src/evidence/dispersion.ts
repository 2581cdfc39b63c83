/** One pod's requests in one window of a minute. */
export type PodCount = { readonly requests: number; readonly errors: number };

/**
 * φ, the factor by which errors vary more than independent ones would: Pearson's χ² over its degrees of freedom, of the
 * errors of stable's pods in each window before the release. Pods are compared within a window only, so a rate that
 * moves with the time of day adds nothing, and windows count by their errors: a window with one small cluster says
 * less about large ones. At least 1; 1 also where nothing can be compared (one pod, no error).
 */
export function dispersionOf(windows: readonly (readonly PodCount[])[]): number {
  let weighted = 0;
  let weights = 0;
  for (const window of windows) {
    const pods = window.filter(({ requests }) => requests > 0);
    const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
    const errors = pods.reduce((sum, pod) => sum + pod.errors, 0);
    const rate = errors / requests;
    if (pods.length < 2 || errors === 0 || errors === requests) continue;
    const chiSquare = pods.reduce(
      (sum, pod) => sum + (pod.errors - pod.requests * rate) ** 2 / (pod.requests * rate * (1 - rate)),
      0,
    );
    weighted += (errors * chiSquare) / (pods.length - 1);
    weights += errors;
  }
  return weights === 0 ? 1 : Math.max(1, weighted / weights);
}
