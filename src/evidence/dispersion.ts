/** One pod's requests in one window of a minute. */
export type PodCount = { readonly requests: number; readonly errors: number };

/**
 * φ, the factor by which errors vary more than independent ones would: Pearson's χ² over its degrees of freedom, of the
 * errors of stable's pods in each window before the release. Pods are compared within a window only, so a rate that
 * moves with the time of day adds nothing. At least 1; 1 also where nothing can be compared (one pod, no error).
 */
export function dispersionOf(windows: readonly (readonly PodCount[])[]): number {
  let chiSquare = 0;
  let freedom = 0;
  for (const window of windows) {
    const pods = window.filter(({ requests }) => requests > 0);
    const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
    const rate = pods.reduce((sum, pod) => sum + pod.errors, 0) / requests;
    if (pods.length < 2 || rate === 0 || rate === 1) continue;
    chiSquare += pods.reduce((sum, pod) => sum + (pod.errors - pod.requests * rate) ** 2 / (pod.requests * rate * (1 - rate)), 0);
    freedom += pods.length - 1;
  }
  return freedom === 0 ? 1 : Math.max(1, chiSquare / freedom);
}
