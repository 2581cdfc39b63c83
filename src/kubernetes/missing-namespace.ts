/** What there is to say of a namespace that is not there, and what to do about it. */
export const missingNamespace = (namespace: string) => ({
  what: `Namespace ${namespace} does not exist.`,
  next: "Correct the namespace, or the kubeconfig's context.",
});
