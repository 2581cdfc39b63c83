import type { RouteKind } from "./route-kind.ts";

/** Which of the two versions of the service. */
export type Role = "stable" | "canary";
export const roles: readonly Role[] = ["stable", "canary"];
export const otherRole = (role: Role): Role => (role === "stable" ? "canary" : "stable");

/** One of the two versions of the service. */
export type Version = {
  /** Name of its Deployment, which is also its `destination_workload` in Istio's metrics. */
  readonly deployment: string;
  /** Host of its destination, as the user wrote it: `reviews`, or a full name. */
  readonly host: string;
  readonly subset?: string | undefined;
};

/** Which rules of one route the release may move. */
export type RouteChoice = {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly name: string;
  /**
   * Names of its rules, or places in a section: `#0` is the first of http. Empty: every rule with both destinations,
   * else every rule with stable's.
   */
  readonly routes: readonly string[];
};

/** How the canary comes to be. */
export type CanarySource =
  | { readonly from: "existing" }
  /**
   * A copy of stable's Deployment under the canary's name; `labels` are set on its pods so that the canary's subset or
   * Service selects them.
   */
  | { readonly from: "clone"; readonly labels: Readonly<Record<string, string>> }
  /** The user's own objects, applied server-side; one of them is the canary's Deployment. */
  | { readonly from: "manifests"; readonly objects: readonly Readonly<Record<string, unknown>>[] };

/** How many pods the canary gets. */
export type Replicas =
  /** As they are; where there are none, as by-weight. */
  | { readonly kind: "keep"; readonly least?: number | undefined }
  | { readonly kind: "count"; readonly count: number }
  /** Percent of stable's replicas, rounded up. 100 is "the same". */
  | { readonly kind: "percent"; readonly percent: number }
  /**
   * As many as each weight needs: weight percent of stable's replicas, rounded up, before the weight is written. Not
   * fewer than `least`, where stable has as many.
   */
  | { readonly kind: "by-weight"; readonly least?: number | undefined };

/** What a release is about. */
export type Target = {
  readonly namespace: string;
  readonly service: string;
  readonly stable: Version;
  readonly canary: Version;
  readonly routes: readonly RouteChoice[];
  readonly source: CanarySource;
  readonly replicas: Replicas;
  /** The new image. Without one the canary's Deployment (or manifests) already has it. */
  readonly image?: string | undefined;
  /**
   * The container that gets the image, and with it those that have the same one; or all that get it. Default: the only
   * one that is not a sidecar.
   */
  readonly container?: string | readonly string[] | undefined;
};

/** The labels that the user gives a copy's pods; none where the canary is no copy. */
export const configuredLabels = ({ source }: Target): Readonly<Record<string, string>> =>
  source.from === "clone" ? source.labels : {};
