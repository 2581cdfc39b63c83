import type { Pair } from "../evidence/error-ratio.ts";
import { addPoll, type Evidence, noEvidence } from "../evidence/evidence.ts";
import { evidenceOf } from "../evidence/ledger.ts";
import { isPoll, type Poll } from "../evidence/poll.ts";
import { type Count, emptyTally, sumOf, type Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Increments, MetricSource } from "../ports/metric-source.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Clock } from "../world/clock.ts";

/**
 * What this job has counted. A job that takes over counts from its own start; what was proven before is in the ledger.
 */
export type Counts = {
  /** Since the stage began. */
  readonly tally: Tally;
  /**
   * Requests since the first look after the stage's weight was written that found any: it still has some of the weight
   * before.
   */
  readonly served: Pair | undefined;
  /** Since the release began. */
  readonly evidence: Evidence;
  /** The canary's pods, the most that it was seen with, and since when. */
  readonly pods?: Pods | undefined;
  /** Why the newest counts are missing. */
  readonly uncounted: string | undefined;
  /** Why nobody knows how long requests took. */
  readonly untimed?: string | undefined;
};

export type Pods = { readonly now: number; readonly most: number; readonly since: Instant | undefined };

/** Pods that come back are none that come: a canary whose pods flap would never be compared with stable. */
export function podsAfter(before: Pods | undefined, available: number, now: Instant): Pods {
  if (!before) return { now: available, most: available, since: undefined };
  if (available > before.most) return { now: available, most: available, since: now };
  return { ...before, now: available };
}

type Counting = { readonly metrics: Pick<MetricSource, "look">; readonly clock: Pick<Clock, "now"> };

const nothingCounted: Counts = { tally: emptyTally, served: undefined, evidence: noEvidence, uncounted: undefined };

export const countsOf = ({ ledger, plan }: ReleaseRecord): Counts => ({
  ...nothingCounted,
  evidence: evidenceOf(ledger, plan.evidence.settings),
});

/** A new stage: counts begin again, what was proven stays. */
export const countsOfNewStage = (counts: Counts): Counts => ({ ...counts, tally: emptyTally, served: undefined });

/**
 * Counts on. `poll`: what the ledger gets. Whoever calls keeps both, whatever else fails meanwhile: the source gives
 * what happened only once.
 */
export async function count(
  record: ReleaseRecord,
  before: Counts,
  { metrics, clock }: Counting,
  signal: AbortSignal,
): Promise<{ readonly counts: Counts; readonly poll: Poll | undefined }> {
  const increments = await metrics.look(clock.now(), signal);
  const blind = increments.blind.find(({ to }) => to === "requests");
  if (blind) return { counts: { ...before, uncounted: blind.because }, poll: undefined };
  const untimed = increments.blind.find(({ to }) => to === "durations")?.because;
  if (increments.since === undefined) return { counts: { ...before, uncounted: undefined, untimed }, poll: undefined };

  const poll = pollOf(record, before, increments, clock.now());
  const counts: Counts = {
    pods: before.pods,
    tally: sumOf(before.tally, tallyOf(increments)),
    served: servedSince(before, increments),
    evidence: poll ? addPoll(before.evidence, poll, record.plan.evidence.settings) : before.evidence,
    uncounted: undefined,
    untimed,
  };
  return { counts, poll };
}

function tallyOf({ stable, canary, lost }: Increments): Tally {
  const unattributed: Count = { requests: lost, errors: lost, buckets: [] };
  return { stable, canary, unattributed };
}

function servedSince({ served }: Counts, { stable, canary }: Increments): Pair | undefined {
  if (served) return { stable: served.stable + stable.requests, canary: served.canary + canary.requests };
  if (stable.requests + canary.requests > 0) return { stable: 0, canary: 0 };
  return undefined;
}

/** Before the canary serves nothing is compared. */
function pollOf(
  record: ReleaseRecord,
  { evidence, pods }: Counts,
  { from, stable, canary, lost, waiting }: Increments,
  now: Instant,
): Poll | undefined {
  const [first] = record.stages;
  if (!first) return undefined;
  const age = Math.max(0, now - first.since);
  const since = pods?.since ?? first.since;
  const joined = since > first.since ? { joined: since - first.since } : {};
  const seen =
    pods === undefined ? joined : { ...joined, pods: pods.now, ...(waiting === undefined ? {} : { waiting }) };
  const poll: Poll = { weight: plannedWeight(record), age, from: from - first.since, ...seen, stable, canary, lost };
  if (isPoll(poll, evidence.age, record.plan.pollEvery)) return poll;
  return undefined;
}
