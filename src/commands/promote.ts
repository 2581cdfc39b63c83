import type { Instant } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import { askedLast } from "../release/asked-with.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { State } from "../release/state.ts";
import { goOnAfter, startPromotion } from "../release/transition.ts";
import { nextCommand } from "../words/next-command.ts";
import { unlessAskedOtherwise } from "./asked-otherwise.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { judgeable } from "./judgeable.ts";
import { keptMetrics } from "./known-metrics.ts";
import { locked } from "./locked.ts";
import { unlessStopped, untouched } from "./preconditions.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";

/**
 * Goes on with a release that waits for approval, to its next stage or to its end, and with a promotion that got stuck.
 */
export async function promote(session: Session): Promise<ExitCode> {
  return locked(session, { force: false }, async (held) => {
    const record = await session.journal.load();
    if (!record || !goOn(record, 0)) throw nothingWaits(session, record);
    unlessAskedOtherwise(session, record);
    await judgeable(session, record);
    unlessStopped(session);
    const taken = await untouched(
      takeOver(session, { held, evenUnsaved: false }, (newest) => approved(session, newest)),
    );
    if (!taken) throw nothingWaits(session, await session.journal.load());
    return exitCodeOf(await conclude(session, taken, held.lost, { taken: true }));
  });
}

function nothingWaits({ config }: Session, record: ReleaseRecord | undefined): RefusedError {
  const last = record ? `; the last one is ${record.state.phase}` : "";
  return new RefusedError(`${config.namespace}/${config.service}: no release waits for somebody to decide${last}.`, {
    next: `Where it is: ${nextCommand("status", { target: config, asked: config.asked })}`,
  });
}

/**
 * The release as this job goes on with it; what it was told itself counts from now on. Undefined where there is nothing
 * to go on with.
 */
function approved({ config, run, clock }: Session, record: ReleaseRecord): ReleaseRecord | undefined {
  const at = clock.now();
  const state = goOn(record, at);
  if (!state) return undefined;
  const kind = record.state.phase === "waiting" ? "approved" : "taken-up";
  return {
    ...record,
    asked: askedLast(record.asked, config.asked),
    metrics: keptMetrics(config) ?? record.metrics,
    run,
    state,
    log: [...record.log, { at, do: "approve", reason: { kind, actor: run.actor } }],
  };
}

function goOn({ plan, state }: ReleaseRecord, now: Instant): State | undefined {
  if (state.phase === "waiting") return goOnAfter(state.stage, now);
  return state.phase === "failed" && state.during === "promoting" ? startPromotion(plan, now) : undefined;
}
