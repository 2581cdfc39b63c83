import type { Build } from "./build.ts";
import type { Reason } from "./reason.ts";

/** How a version's pods are. */
export type Health = {
  /** Every pod that is asked for runs the wanted template and is available, and none of an older template is left. */
  readonly ready: boolean;
  readonly desired: number;
  readonly available: number;
  /** Restarts of the version's containers, summed over its pods. */
  readonly restarts: number;
  /** "2 of 3 pods are available". */
  readonly because: string;
  /** Why waiting will not help, in the pod's own words: an image that cannot be pulled, a crash loop, a quota. */
  readonly fatal?: string;
  /** What the pods run. Only of a canary that is ready and of which nothing was written down yet. */
  readonly build?: Build | undefined;
  /**
   * How what runs differs from what the release deployed, or judged since, in words, with who changed it where that is
   * known.
   */
  readonly changed?: string | undefined;
  /** It is being deleted: its pods may answer for a while, and nobody can count on them. */
  readonly terminating?: boolean | undefined;
  /** It has pods, and no request reaches them: what the routes name is not there, or does not select them. */
  readonly unreached?: boolean | undefined;
  /** Of stable: how many pods it was to have before the release. */
  readonly had?: number | undefined;
  /** Of stable: that of the container that the release is about, where it is clear which one that is. */
  readonly image?: string | undefined;
  /** Of stable: it has the images that it had before the release. */
  readonly untouched?: boolean | undefined;
};

/** It answers now, and nothing takes its pods away by itself. */
export const canServe = ({ available, terminating }: Health): boolean => available > 0 && !terminating;

/** As requests find it: whoever none of them reaches might as well have no pod. `why` none does, if so. */
export const asReached = (health: Health, why: string | undefined): Health =>
  why === undefined || health.available === 0
    ? health
    : { ...health, ready: false, available: 0, because: why, unreached: true };

/** Why the canary cannot serve any more; it has no pod that requests reach. */
export const canaryGone = ({ because, unreached }: Health): Reason =>
  unreached ? { kind: "unserved", version: "canary", words: because } : { kind: "pods-gone", pods: because };
