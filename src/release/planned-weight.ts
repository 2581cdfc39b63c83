import type { Plan } from "./plan.ts";
import type { ReleaseRecord } from "./release-record.ts";
import { splitOf } from "./split.ts";

/** After an update the canary is gone, and stable is the new version. */
const afterPromotion: Readonly<Record<Plan["promotion"], number>> = { update: 0, swap: 100 };

/** The canary's planned share in percent: what the routes were last told. */
export function plannedWeight({ plan, state, stages }: Pick<ReleaseRecord, "plan" | "state" | "stages">): number {
  const lastStage = stages.at(-1)?.weight ?? 0;
  switch (state.phase) {
    case "rolled-back":
      return 0;
    case "preparing":
    case "rolling-back":
      return state.step === "returning" ? lastStage : 0;
    case "shifting":
      return lastStage;
    case "baking":
    case "waiting":
      return splitOf(plan, state.stage).canary;
    case "promoting":
      if (state.step === "draining" || state.step === "retiring") return afterPromotion[plan.promotion];
      return 100;
    case "succeeded":
      return afterPromotion[plan.promotion];
    case "failed":
      if (state.returned) return 0;
      return state.during === "promoting" ? 100 : lastStage;
  }
}
