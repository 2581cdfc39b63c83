/**
 * How a release was asked for, as far as somebody has to say it again who goes on with it: paths and names as they were
 * given, and no text of a file.
 */
export type AskedWith = {
  /** Path of the configuration. */
  readonly config?: string | undefined;
  /** Path of the kubeconfig. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
};

/** Whoever goes on with a release may say some of it otherwise. */
export const askedLast = (before: AskedWith = {}, now: AskedWith): AskedWith => ({
  config: now.config ?? before.config,
  kubeconfig: now.kubeconfig ?? before.kubeconfig,
  context: now.context ?? before.context,
});
