import type { Plan } from "./plan.ts";
import { noTraffic, type PlannedTraffic, trafficAt, withWhatComesBefore } from "./planned-traffic.ts";
import type { ReleaseRecord } from "./release-record.ts";
import { splitAt } from "./split.ts";

type Stood = Pick<ReleaseRecord, "plan" | "state" | "stages">;

/** After an update the canary is gone, and stable is the new version. */
const afterPromotion: Readonly<Record<Plan["promotion"], PlannedTraffic>> = { update: noTraffic, swap: splitAt(100) };

/** What the routes were last told. */
export function plannedTraffic({ plan, state, stages }: Stood): PlannedTraffic {
  const newest = stages.at(-1);
  const ofNewest = newest ? withWhatComesBefore(plan, splitAt(newest.weight), newest.stage) : noTraffic;
  switch (state.phase) {
    case "rolled-back":
      return noTraffic;
    case "preparing":
    case "rolling-back":
      return state.step === "returning" ? ofNewest : noTraffic;
    case "shifting":
      return ofNewest;
    case "baking":
    case "waiting":
      return trafficAt(plan, state.stage);
    case "promoting":
      if (state.step === "draining" || state.step === "retiring") return afterPromotion[plan.promotion];
      return trafficAt(plan, plan.stages.length);
    case "succeeded":
      return afterPromotion[plan.promotion];
    case "failed":
      if (state.returned) return noTraffic;
      if (state.during === "promoting") return trafficAt(plan, plan.stages.length);
      return ofNewest;
  }
}

/** The canary's planned share in percent. */
export const plannedWeight = (record: Stood): number => plannedTraffic(record).canary;
