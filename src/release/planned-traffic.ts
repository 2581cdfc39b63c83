import { present } from "../lib/present.ts";
import { type Affinity, type Drill, type Plan, stageAt } from "./plan.ts";
import { type Split, splitAt } from "./split.ts";
import { type Role, roles } from "./target.ts";
import type { Testers } from "./testers.ts";

/** What a stage wants of the routes. Absolute: writing it twice is writing it once. */
export type PlannedTraffic = Split & {
  /** Their requests get the canary, whatever its weight. */
  readonly testers?: readonly Testers[] | undefined;
  /** To their requests. */
  readonly drill?: Drill | undefined;
  /** Of so many percent of all requests the canary gets a copy. */
  readonly mirror?: number | undefined;
  /** Weights are for those who have no cookie of it yet. */
  readonly affinity?: Affinity | undefined;
};

/** As the release found it. */
export const noTraffic: PlannedTraffic = splitAt(0);

type StagesAndTesters = Pick<Plan, "stages" | "testers" | "affinity">;

/** The traffic of a stage. After the last comes all of it on the canary; after that nothing, which is a RangeError. */
export const trafficAt = (plan: StagesAndTesters, stage: number): PlannedTraffic =>
  withWhatComesBefore(plan, splitAt(stage === plan.stages.length ? 100 : stageAt(plan, stage).weight), stage);

/** Whoever gives everything at once lets nobody in before. */
export function withWhatComesBefore(
  { stages, testers, affinity }: StagesAndTesters,
  split: Split,
  stage: number,
): PlannedTraffic {
  if (stages.length === 0) return split;
  const { drill, mirror } = stages[stage] ?? {};
  const isDivided = split.canary > 0 && split.stable > 0;
  return present({
    ...split,
    testers,
    drill: testers && drill,
    mirror,
    affinity: isDivided ? affinity : undefined,
  });
}

/** Requests get to the canary without a weight: those of testers, or copies. */
export const letsIn = ({ testers = [], mirror }: Pick<PlannedTraffic, "testers" | "mirror">): boolean =>
  testers.length > 0 || mirror !== undefined;

/** The share of all requests that the canary has to have room for. */
export const roomIn = ({ canary, mirror = 0 }: Pick<PlannedTraffic, "canary" | "mirror">): number =>
  Math.max(canary, mirror);

/** The versions that get requests by it. */
export const servingBy = (traffic: PlannedTraffic): readonly Role[] =>
  roles.filter((role) => traffic[role] > 0 || (role === "canary" && letsIn(traffic)));
