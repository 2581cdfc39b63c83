import { timestamp } from "../object.ts";
import { type Condition, conditionOf } from "../workload.ts";

export type News = Pick<Condition, "type" | "status"> & { readonly reason: string; readonly message: string };

/**
 * The conditions with these news, as the deployment controller sets them: nothing changes while status and reason are the same,
 * what changes moves to the end, and the time of transition is that of the status.
 */
export function withCondition(conditions: readonly Condition[], news: News, now: number): readonly Condition[] {
  const last = conditionOf(conditions, news.type);
  return last?.status === news.status && last.reason === news.reason ? conditions : renewed(conditions, news, now);
}

/** The same, but the update counts also when nothing else is new: the progress deadline runs from it. */
export function renewed(conditions: readonly Condition[], news: News, now: number): readonly Condition[] {
  const last = conditionOf(conditions, news.type);
  const at = timestamp(now);
  return [
    ...withoutCondition(conditions, news.type),
    { ...news, lastUpdateTime: at, lastTransitionTime: last?.status === news.status ? last.lastTransitionTime : at },
  ];
}

export const withoutCondition = (conditions: readonly Condition[], type: string): readonly Condition[] =>
  conditions.filter((condition) => condition.type !== type);
