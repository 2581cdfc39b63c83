/**
 * What a version's pods run, as far as a release can know it. The canary's is written down when it becomes ready: what
 * is judged from then on is that, and nothing else may be promoted. Plain JSON: the journal keeps it.
 */
export type Build = {
  /** The image of the container that the release is about. */
  readonly image?: string | undefined;
  /**
   * The ReplicaSet with the pod template: Kubernetes keeps it, so that the journal need not (templates may hold
   * secrets).
   */
  readonly replicaSet?: string | undefined;
  /**
   * By container, the digests of the images that its pods run, where they are known: tomorrow a tag may mean another
   * image.
   */
  readonly digests: Readonly<Record<string, readonly string[]>>;
};
