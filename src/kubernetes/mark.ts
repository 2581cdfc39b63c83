import type { KubernetesObject } from "./object.ts";

/**
 * On everything that a release made: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 */
export const managedBy = { key: "app.kubernetes.io/managed-by", value: "istio-canary" } as const;

/** Names the release that made an object. Nothing is deleted that does not carry the release's own. */
export const releaseAnnotation = "istio-canary/release";

/** Whether this release made the object. */
export const isMadeBy = (release: string, { metadata }: KubernetesObject): boolean =>
  metadata.annotations?.[releaseAnnotation] === release;
