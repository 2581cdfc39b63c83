import type { Share } from "../evidence/wilson.ts";
import { formatDuration, type Millis } from "../lib/duration.ts";
import { inLines } from "../lib/lines.ts";
import { percent } from "../lib/numbers.ts";
import type { Target } from "../release/target.ts";
import { about } from "./traffic-in-words.ts";

/** How requests really divided, counted by somebody. */
export type CountedSplit = {
  readonly stable: number;
  readonly canary: number;
  /** Answers that name neither version, and requests without an answer. */
  readonly neither: number;
  /** Who counted: "100 requests to http://…". */
  readonly from: string;
};

/** How long the routes have had the weight that they have now. */
export type WrittenAgo = {
  readonly ago: Millis;
  /** So much of that time is counted together with the weight before. */
  readonly mixed: Millis;
  /** Present while nothing else is counted: when the count may be compared. */
  readonly comparableIn?: Millis | undefined;
};

/** A count beside the plan. */
export type ComparedSplit = {
  readonly count: CountedSplit;
  /** Undefined where nobody knows. */
  readonly written: WrittenAgo | undefined;
  /** The canary's, with what it may be by chance. Undefined where no request was counted. */
  readonly share: Share | undefined;
  /** The canary's planned share in percent; undefined when no release is under way. */
  readonly planned: number | undefined;
  readonly asPlanned: boolean | undefined;
};

export function splitCountText(target: Target, compared: ComparedSplit): string {
  const { count, share } = compared;
  const { stable, canary, neither, from } = count;
  if (!share) return `No request of ${target.namespace}/${target.service} was counted (${from}).`;
  let others = `${target.stable.deployment} got ${stable}`;
  if (neither > 0) others += `; ${neither} reached neither version`;
  const confidence = `99.9% confidence: ${percent(share.low)} to ${percent(share.high)}`;
  return inLines([
    `${target.canary.deployment} got ${canary} of ${stable + canary} requests: ${percent(share.share)} (${confidence}; ${from}).`,
    `${others}. ${besideThePlan(compared)}`,
  ]);
}

function besideThePlan({ planned, written, asPlanned }: ComparedSplit): string {
  if (written?.comparableIn !== undefined) return tooEarly(planned, written.ago, written.comparableIn);
  if (planned === undefined) return "No release is under way.";
  const since = written ? `, written ${formatDuration(written.ago)} ago` : "";
  if (asPlanned) return `Planned: ${planned}%${since}; the count agrees with it.`;
  return `Planned: ${planned}%${since}; the count contradicts it.`;
}

/** What is counted has requests of two weights, and proves nothing of either. */
function tooEarly(planned: number | undefined, ago: Millis, comparableIn: Millis): string {
  let what = `Planned: ${planned}%, written ${about(ago)} ago`;
  if (planned === undefined) what = `No release is under way, and the routes were written ${about(ago)} ago`;
  const mixed = "the count may have some of the weight before in it, so that it is compared with nothing";
  return `${what}: ${mixed}; ask again in ${about(comparableIn)}.`;
}
