import { StrayedError } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import type { Decision } from "../release/decision.ts";
import { type PlannedTraffic, roomIn, trafficAt } from "../release/planned-traffic.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { splitAt } from "../release/split.ts";
import { otherRole } from "../release/target.ts";
import type { Clock } from "../world/clock.ts";
import type { Job } from "./job.ts";
import { keepLogs } from "./keep-logs.ts";
import { pause } from "./keep-outcome.ts";

/** Does what was decided; everything that had to be chosen was chosen before. Rejects when the world did not do it. */
async function enact(decision: Decision, record: ReleaseRecord, ports: Ports, signal: AbortSignal): Promise<void> {
  const { judged } = record;
  switch (decision.do) {
    case "wait":
      return ports.clock.sleepUntil(decision.until, signal);
    case "nothing":
      return;
    case "deploy":
      await ports.workload.deploy(judged);
      return ports.router.prepare();
    case "scale":
      return ports.workload.scale(splitAt(roomIn(decision.to)));
    case "route":
      return ports.router.write(decision.to, writtenLast(decision, record));
    case "update-stable":
      return ports.workload.updateStable(judged);
    case "finish":
      return ports.router.finish(decision.winner, ...expected(decision, record));
    case "retire":
      await ports.workload.retire(decision.loser);
      return ports.router.cleanUp(otherRole(decision.loser));
    case "revive":
      return ports.workload.revive();
    case "restore":
      await ports.workload.restore();
      return ports.router.cleanUp("stable");
  }
}

/**
 * What a way back finds, if nobody else wrote: the traffic of the last stage, or the one after it, which the job was about
 * to write perhaps.
 */
function expected(decision: Finish, record: ReleaseRecord): readonly PlannedTraffic[] {
  if (decision.overOurs) return [plannedTraffic(record)];
  if (isGivenBack(decision, record)) return [plannedTraffic(record), trafficAfter(record)];
  return [];
}

type Finish = Extract<Decision, { readonly do: "finish" }>;

const trafficAfter = ({ plan, stages }: ReleaseRecord): PlannedTraffic =>
  trafficAt(plan, Math.min((stages.at(-1)?.stage ?? -1) + 1, plan.stages.length));

/** For the first time, and not because of what somebody wrote: that is told already. */
const isGivenBack = ({ winner, reason }: Finish, { plan, state }: ReleaseRecord): boolean =>
  winner === "stable" &&
  plan.stages.length > 0 &&
  (state.phase === "rolling-back" || state.phase === "preparing") &&
  state.step === "returning" &&
  reason.kind !== "drift";

/** The very traffic by which the look before found nothing strange. */
const writtenLast = (
  { overOurs }: { readonly overOurs?: boolean },
  record: ReleaseRecord,
): PlannedTraffic | undefined => (overOurs ? plannedTraffic(record) : undefined);

/**
 * Does what was decided, in one job; or says that it has to be looked at once more before: somebody may have changed the
 * routes since. Traffic comes off a bad version whoever wrote it there: what was written over then is told, in words.
 */
export type Enact = (decision: Decision, record: ReleaseRecord, signal: AbortSignal) => Promise<Done | "look again">;
type Done = { readonly over?: string | undefined };

/**
 * In a release that was `taken` from another job nothing is done before that one can do nothing more: what it had under
 * way might land afterwards, or has landed since the look that was decided by. Only traffic comes off a bad version first.
 */
export function enacting(ports: Ports, { taken, stop }: Pick<Job, "taken" | "stop">): Enact {
  let fenced = taken !== true;
  let logsAreKept = false;
  return async (decision, record, signal) => {
    if (decision.do === "restore" && !logsAreKept) {
      logsAreKept = true; // a log that hangs holds up one try, and none of the next
      await keepLogs(record, ports, stop);
    }
    const does = () => enact(decision, record, ports, signal);
    const work = (): ReturnType<Enact> =>
      decision.do === "finish" && isGivenBack(decision, record)
        ? giveBack(does(), ports)
        : unlessStrayed(does(), ports.clock, signal);
    if (fenced || decision.do === "wait" || decision.do === "nothing") return work();
    const isBack = decision.do === "finish" && decision.winner === "stable";
    const done = isBack ? await work() : undefined;
    await Promise.all([ports.router.fence(), ports.workload.fence()]);
    fenced = true;
    if (done) return overBoth(done, await work());
    return "look again";
  };
}

const overBoth = (first: Done | "look again", second: Done | "look again"): Done | "look again" =>
  first !== "look again" && second !== "look again" ? { over: first.over ?? second.over } : "look again";

async function giveBack(work: Promise<void>, { router }: Ports): Promise<Done> {
  try {
    await work;
    return {};
  } catch (error) {
    if (!(error instanceof StrayedError)) throw error;
    await router.finish("stable");
    return { over: error.message };
  }
}

/** Not at once: somebody may write as fast as this. */
async function unlessStrayed(work: Promise<void>, clock: Clock, signal: AbortSignal): Promise<Done | "look again"> {
  try {
    await work;
    return {};
  } catch (error) {
    if (!(error instanceof StrayedError)) throw error;
    await clock.sleepUntil(clock.now() + pause, signal);
    return "look again";
  }
}
