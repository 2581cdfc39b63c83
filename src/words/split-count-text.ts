import type { Share } from "../evidence/wilson.ts";
import { percent } from "../lib/numbers.ts";
import type { Target } from "../release/target.ts";

/** How requests really divided, counted by somebody. */
export type CountedSplit = {
  readonly stable: number;
  readonly canary: number;
  /** Answers that name neither version, and requests without an answer. */
  readonly neither: number;
  /** Who counted: "100 requests to http://…". */
  readonly from: string;
};

/** A count beside the plan. */
export type ComparedSplit = {
  readonly count: CountedSplit;
  /** The canary's, with what it may be by chance. Undefined where no request was counted. */
  readonly share: Share | undefined;
  /** The canary's planned share in percent; undefined when no release is under way. */
  readonly planned: number | undefined;
  readonly asPlanned: boolean | undefined;
};

export function splitCountText(target: Target, { count, share, planned, asPlanned }: ComparedSplit): string {
  const { stable, canary, neither, from } = count;
  if (!share) return `No request of ${target.namespace}/${target.service} was counted (${from}).`;
  let others = `${target.stable.deployment} got ${stable}`;
  if (neither > 0) others += `; ${neither} reached neither version`;
  const confidence = `95 % confidence: ${percent(share.low)} to ${percent(share.high)}`;
  return [
    `${target.canary.deployment} got ${canary} of ${stable + canary} requests: ${percent(share.share)} (${confidence}; ${from}).`,
    `${others}. ${besideThePlan(planned, asPlanned)}`,
  ].join("\n");
}

function besideThePlan(planned: number | undefined, asPlanned: boolean | undefined): string {
  if (planned === undefined) return "No release is under way.";
  if (asPlanned) return `Planned: ${planned} %, which the count agrees with.`;
  return `Planned: ${planned} %, which the count contradicts.`;
}
