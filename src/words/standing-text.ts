import { tell } from "../lib/errors.ts";
import { inLines } from "../lib/lines.ts";
import { someOf } from "../lib/some-of.ts";
import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Role, Target } from "../release/target.ts";
import { winnerAfter } from "../release/transition.ts";
import { nextCommand } from "./next-command.ts";
import { dateOf } from "./timestamp.ts";

/* How it stands with a service of which no release is under way. */

export const serviceInWords = ({ namespace, service }: Pick<Target, "namespace" | "service">): string =>
  `${namespace}/${service}`;

export const podless = (target: Target, role: Role): string =>
  `Deployment ${target.namespace}/${target[role].deployment} has no available pod, and requests go to it`;

export const revivedInWords = ({ namespace, stable }: Target): string =>
  `Deployment ${namespace}/${stable.deployment} is scaled to 0, and requests go to it: it gets its pods back.`;

export const failedInWords = (during: "promoting" | "rolling-back"): string =>
  `the release failed while ${during === "promoting" ? "promoting" : "rolling back"}`;

export const unread = (error: unknown): string => `the cluster could not be read again: ${tell(error)}`;

/** Why a release that has ended is not settled, in one line. */
export function hindrancesInWords({ state, differences = [], unsaved }: Account): string {
  const hindrances = state.phase === "failed" ? [failedInWords(state.during), ...differences] : [...differences];
  if (unsaved !== undefined) hindrances.push(`its journal could not be saved: ${unsaved}`);
  return hindrances.join("; ");
}

const ends = { succeeded: "succeeded", "rolled-back": "was rolled back", failed: "failed" } as const;

/** `the last release succeeded at 2026-01-31 12:03 UTC`. */
export function endInWords({ state, log, startedAt }: ReleaseRecord): string {
  const end = Object.entries(ends).find(([phase]) => phase === state.phase)?.[1] ?? `is ${state.phase}`;
  return `the last release ${end} at ${dateOf(log.at(-1)?.at ?? startedAt)}`;
}

/** `reviews-v2 (registry.example/reviews:v2) serves everything`. */
export function winnerInWords(record: ReleaseRecord): string {
  const { target, plan, state } = record;
  const { deployment } = target[winnerAfter(plan, state)];
  const image = knownImage(record);
  const brought = state.phase === "succeeded" && image !== undefined ? ` (${image})` : "";
  return `${deployment}${brought} serves everything`;
}

/** What a promotion has replaced. */
export const replacedInWords = ({ target, plan }: ReleaseRecord): string =>
  plan.promotion === "swap" ? target.stable.deployment : `the image that ${target.stable.deployment} had before`;

export const bothServe = ({ stable, canary }: Target): string =>
  `${stable.deployment} and ${canary.deployment} both have requests, and no journal says why`;

export const notAsItShouldBe = (what: string, differences: readonly string[]): string =>
  inLines([`${what}, and not everything is as it should be:`, ...differences.map((difference) => `  ${difference}`)]);

/** What a job leaves behind that lost its release; `splits` are how the routes were when it stopped, if they could be read. */
export function leftInWords(record: ReleaseRecord, splits: readonly string[] | undefined): string {
  const status = `Where the release is: ${nextCommand("status", record)}`;
  if (splits === undefined) return `This job has stopped; where requests go could not be read. ${status}`;
  if (splits.length === 0) return `This job has stopped; none of its routes was there any more. ${status}`;
  return `This job has stopped. Requests went so then: ${someOf(splits, "; ", 3)}. ${status}`;
}
