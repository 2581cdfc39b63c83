import { type Share, wilson } from "../evidence/wilson.ts";
import { formatDuration } from "../lib/duration.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import { isOutcome } from "../release/state.ts";
import type { Target } from "../release/target.ts";
import { type CountedSplit, splitCountText } from "../words/split-count-text.ts";
import { required } from "./preconditions.ts";
import { requestSplit } from "./request-split.ts";
import type { ExitCode, Session } from "./session.ts";

/** Counts how traffic really splits now, and says whether that is what was planned. */
export async function verify(session: Session): Promise<ExitCode> {
  const { target } = required(session.config);
  const count = await countSplit(session, target);
  if ("because" in count) {
    session.messages.print(`The split of ${target.namespace}/${target.service} could not be counted: ${count.because}`);
    return 3;
  }
  const planned = await plannedNow(session);
  const share = wilson(count.canary, count.canary + count.stable);
  const asPlanned = share && planned !== undefined ? agrees(planned, share) : undefined;
  session.messages.print(
    session.config.json
      ? JSON.stringify({ ...count, planned, ...share, asPlanned })
      : splitCountText(target, { count, share, planned, asPlanned }),
  );
  return share === undefined || asPlanned === false ? 3 : 0;
}

const agrees = (planned: number, { low, high }: Share): boolean => planned >= low * 100 && planned <= high * 100;

async function countSplit(session: Session, target: Target): Promise<CountedSplit | { readonly because: string }> {
  const { url, window } = session.config.verify;
  if (url !== undefined) return requestSplit({ ...session.config.verify, url }, target, session);
  const tally = await session.history.traffic(target, window);
  if ("because" in tally) return tally;
  const { stable, canary, unattributed } = tally;
  return {
    stable: stable.requests,
    canary: canary.requests,
    neither: unattributed.requests,
    from: `Prometheus, the last ${formatDuration(window)}`,
  };
}

/** What the release under way wants; undefined when there is none. */
async function plannedNow(session: Session): Promise<number | undefined> {
  const record = await session.journal.load();
  return record && !isOutcome(record.state) ? plannedWeight(record) : undefined;
}
