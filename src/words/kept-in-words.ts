import { keptUntil } from "../release/kept-old.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { dateOf } from "./timestamp.ts";

/** That the version before still has its pods after a swap, until when, and what ends it; undefined where it has none. */
export function keptInWords({ target, plan, state }: Pick<ReleaseRecord, "target" | "plan" | "state">) {
  const end = keptUntil(state);
  if (end !== undefined)
    return `${target.stable.deployment} keeps its pods until ${dateOf(end)}, so that going back takes seconds. Then the next \`settle\`, such as a scheduled one, takes them; the next release does at once.`;
  if (state.phase !== "succeeded" || plan.promotion !== "swap" || !plan.keepOld) return undefined;
  return `${target.stable.deployment} keeps its pods, so that going back takes seconds.`;
}
