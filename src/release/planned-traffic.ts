import { type Drill, type Plan, stageAt } from "./plan.ts";
import { type Split, splitAt } from "./split.ts";
import { type Role, roles } from "./target.ts";
import type { Testers } from "./testers.ts";

/** What a stage wants of the routes. Absolute: writing it twice is writing it once. */
export type PlannedTraffic = Split & {
  /** Their requests get the canary, whatever its weight. */
  readonly testers?: readonly Testers[] | undefined;
  /** To their requests. */
  readonly drill?: Drill | undefined;
};

/** As the release found it. */
export const noTraffic: PlannedTraffic = splitAt(0);

type StagesAndTesters = Pick<Plan, "stages" | "testers">;

/** The traffic of a stage. After the last comes all of it on the canary; after that nothing, which is a RangeError. */
export const trafficAt = (plan: StagesAndTesters, stage: number): PlannedTraffic =>
  withTesters(plan, splitAt(stage === plan.stages.length ? 100 : stageAt(plan, stage).weight), stage);

/** Whoever gives everything at once lets nobody in before. */
export function withTesters({ stages, testers }: StagesAndTesters, split: Split, stage: number): PlannedTraffic {
  if (testers === undefined || stages.length === 0) return split;
  const drill = stages[stage]?.drill;
  if (drill) return { ...split, testers, drill };
  return { ...split, testers };
}

/** Requests that get the canary without a weight. */
export const letsIn = ({ testers = [] }: Pick<PlannedTraffic, "testers">): boolean => testers.length > 0;

/** The versions that get requests by it. */
export const servingBy = (traffic: PlannedTraffic): readonly Role[] =>
  roles.filter((role) => traffic[role] > 0 || (role === "canary" && letsIn(traffic)));
