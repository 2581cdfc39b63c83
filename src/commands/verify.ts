import type { Count } from "../evidence/tally.ts";
import { wilson } from "../evidence/wilson.ts";
import { formatDuration } from "../lib/duration.ts";
import { percent } from "../lib/numbers.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import { isOutcome } from "../release/state.ts";
import type { Target } from "../release/target.ts";
import { required } from "./preconditions.ts";
import { requestSplit } from "./request-split.ts";
import type { ExitCode, Session } from "./session.ts";

/** How requests really divided, counted by somebody. */
export type Observed = {
  readonly stable: number;
  readonly canary: number;
  /** Answers that name neither version, and requests without an answer. */
  readonly neither: number;
  readonly from: string;
};

/** Counts how traffic really splits now, and says whether that is what was planned. */
export async function verify(session: Session): Promise<ExitCode> {
  const { target } = required(session.config);
  const observed = await observe(session, target);
  if ("because" in observed) {
    session.print(`The split of ${target.namespace}/${target.service} could not be counted: ${observed.because}`);
    return 3;
  }
  const planned = await plannedNow(session);
  const share = wilson(observed.canary, observed.canary + observed.stable);
  const asPlanned =
    planned === undefined || share === undefined
      ? undefined
      : planned >= share.low * 100 && planned <= share.high * 100;
  session.print(
    session.config.json
      ? JSON.stringify({ ...observed, planned, ...share, asPlanned })
      : textOf(target, observed, share, planned, asPlanned),
  );
  return share === undefined || asPlanned === false ? 3 : 0;
}

async function observe(session: Session, target: Target): Promise<Observed | { readonly because: string }> {
  const { config, traffic } = session;
  const { url, window } = config.verify;
  if (url !== undefined) return requestSplit({ ...config.verify, url }, target, session);
  const tally = await traffic(target, window);
  if ("because" in tally) return tally;
  const answered = ({ requests }: Count): number => requests;
  return {
    stable: answered(tally.stable),
    canary: answered(tally.canary),
    neither: tally.unattributed.requests,
    from: `Prometheus, the last ${formatDuration(window)}`,
  };
}

/** What the release under way wants; undefined when there is none. */
async function plannedNow(session: Session): Promise<number | undefined> {
  const record = await session.journal.load();
  return record && !isOutcome(record.state) ? plannedWeight(record) : undefined;
}

function textOf(
  target: Target,
  observed: Observed,
  share: ReturnType<typeof wilson>,
  planned: number | undefined,
  asPlanned: boolean | undefined,
): string {
  const { stable, canary, neither, from } = observed;
  if (!share) return `No request of ${target.namespace}/${target.service} was counted (${from}).`;
  const plan =
    planned === undefined
      ? "No release is under way."
      : `Planned: ${planned} %, which the count ${asPlanned ? "agrees with" : "contradicts"}.`;
  return [
    `${target.canary.deployment} got ${canary} of ${stable + canary} requests: ${percent(share.share)} (95 % confidence: ${percent(share.low)} to ${percent(share.high)}; ${from}).`,
    `${target.stable.deployment} got ${stable}${neither > 0 ? `; ${neither} reached neither version` : ""}. ${plan}`,
  ].join("\n");
}
