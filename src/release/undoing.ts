import type { Millis } from "../lib/duration.ts";
import { knownImage } from "./known-image.ts";
import type { Plan } from "./plan.ts";
import type { ReleaseRecord, UndoneRelease } from "./release-record.ts";
import type { CanarySource, Replicas, Target } from "./target.ts";

/** The release that goes back: in the journal it is one as every other, so that whatever ends a release ends it. */
export type Undoing = Pick<ReleaseRecord, "target" | "exchanged" | "plan"> & { readonly undoes: UndoneRelease };

/** What served before a release, as far as its way back needs it. */
export type WayBack = {
  /** Undefined where it is not clear which container the release was about. */
  readonly image: string | undefined;
  /** The pods that it had, or that serve in its place now, where those are more. */
  readonly pods: number;
  /** The canary's Deployment is there. */
  readonly hasCanary: boolean;
  /** As many pods of it as that are there, run that image, and are known to the mesh. */
  readonly stands: boolean;
};

/** A release without stages is a service's first one, or an undo. */
export const isUndoable = ({ state, plan, undoes }: Pick<ReleaseRecord, "state" | "plan" | "undoes">): boolean =>
  state.phase === "succeeded" && plan.stages.length > 0 && undoes === undefined;

/**
 * The way back from a release that succeeded: all requests at once, without stages, since the version before has served
 * them already. After a swap the roles are exchanged; after an update a copy of stable with the image before takes the
 * requests until stable has it again.
 */
export function undoingOf(record: ReleaseRecord, { image, pods, hasCanary, stands }: WayBack): Undoing {
  const { target, plan, exchanged = false, startedAt } = record;
  const undoes: UndoneRelease = { startedAt, image: knownImage(record) };
  const straight: Plan = {
    ...plan,
    stages: [],
    keepOld: plan.keepOld && plan.keepFor === undefined,
    keepFor: undefined,
  };
  if (plan.promotion === "update")
    return {
      target: { ...target, source: sourceOf(target, hasCanary), replicas: asMany, image },
      exchanged,
      plan: straight,
      undoes,
    };
  const turned: Target = {
    ...target,
    stable: target.canary,
    canary: target.stable,
    source: { from: "existing" },
    replicas: { kind: "count", count: pods },
    image,
  };
  // The mesh has nothing to learn, and a bad version has the requests meanwhile.
  const meshDelay = stands ? 0 : plan.meshDelay;
  return { target: turned, exchanged: !exchanged, plan: { ...straight, meshDelay }, undoes };
}

const asMany: Replicas = { kind: "percent", percent: 100 };

/** Manifests have what was new in the release that is undone: stable's own template is nearer to what was before. */
function sourceOf({ source }: Target, hasCanary: boolean): CanarySource {
  if (source.from === "existing" && hasCanary) return source;
  return { from: "clone", labels: source.from === "clone" ? source.labels : {} };
}

/** Pods that stood ready once may be new by now. */
const enoughDelay: Millis = 5_000;

/** An undo that was given up is tried again as it was. */
export function sameAgain(
  { target, exchanged, plan, undoes }: ReleaseRecord,
  image: string | undefined,
): Undoing | undefined {
  if (!undoes) return undefined;
  const meshDelay = Math.max(plan.meshDelay, enoughDelay);
  return { target: { ...target, image: image ?? target.image }, exchanged, plan: { ...plan, meshDelay }, undoes };
}
