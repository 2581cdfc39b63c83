import type { ReleaseRecord } from "./release-record.ts";
import { splitOf } from "./split.ts";

/** The canary's planned share in percent: what the routes were last told. */
export function plannedWeight({ plan, state, stages }: Pick<ReleaseRecord, "plan" | "state" | "stages">): number {
  const lastStage = stages.at(-1)?.weight ?? 0;
  switch (state.phase) {
    case "preparing":
    case "rolled-back":
      return 0;
    case "rolling-back":
      return state.step === "returning" ? lastStage : 0;
    case "shifting":
      return lastStage;
    case "baking":
    case "waiting":
      return splitOf(plan, state.stage).canary;
    case "promoting":
      return plan.promotion === "update" && (state.step === "draining" || state.step === "retiring") ? 0 : 100;
    case "succeeded": // After an update the canary is gone, and stable is the new version.
      return plan.promotion === "update" ? 0 : 100;
    case "failed":
      return state.returned ? 0 : state.during === "promoting" ? 100 : lastStage;
  }
}
