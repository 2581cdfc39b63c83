import { formatDuration, type Instant } from "../lib/duration.ts";
import type { Account } from "../release/account.ts";
import type { GateVerdict } from "../release/decide.ts";
import { count, observedSplit } from "./split-bars.ts";

/** The stage that is under way in one line of plain text: time left, counts, gates. Undefined between stages. */
export function stageProgress({ state, plan, stages }: Account, now: Instant): string | undefined {
  const record = stages.at(-1);
  const stage = state.phase === "baking" ? plan.stages[state.stage] : undefined;
  if (state.phase !== "baking" || !stage || !record) return undefined;
  const left = stage.wait - (now - state.since);
  const time = left > 0 ? `${formatDuration(Math.ceil(left / 1_000) * 1_000)} left` : `${formatDuration(Math.max(0, now - state.since))}, waiting for gates`;
  const observed = observedSplit(record.tally);
  const counted = observed
    ? `canary ${count(observed.requests.canary)} of ${count(observed.requests.canary + observed.requests.stable)} requests (${observed.canary} %)`
    : "no request counted yet";
  return [time, counted, ...record.verdicts.map(gateProgress)].join(" · ");
}

const signs: Readonly<Record<GateVerdict["kind"], string>> = { pass: "✓", wait: "…", fail: "✗", "no-data": "?" };

const gateProgress = ({ gate, value, limit, kind }: GateVerdict): string => `${gate} ${value} ${limit} ${signs[kind]}`;

/** The part of a release that is under way: a heading for what happens in it. Undefined at its end. */
export function chapterOf({ state, plan }: Account): string | undefined {
  switch (state.phase) {
    case "preparing":
      return "Deploy the canary";
    case "shifting":
    case "baking":
    case "waiting":
      return state.stage < plan.stages.length
        ? `Stage ${state.stage + 1} of ${plan.stages.length}: ${plan.stages[state.stage]?.weight} %`
        : "All requests to the canary";
    case "promoting":
      return "Promote";
    case "rolling-back":
      return "Roll back";
    default:
      return undefined;
  }
}
