import type { Pair } from "../evidence/error-ratio.ts";
import { addPoll, type Evidence, noEvidence, type Poll } from "../evidence/evidence.ts";
import { evidenceOf } from "../evidence/ledger.ts";
import { advance, emptyMeter, emptyTally, type Meter, reset, sumOf, type Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import { DeniedError, tell } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import type { Health } from "../release/health.ts";
import type { Reading } from "../release/judge.ts";
import type { Observation } from "../release/observation.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { splitOf } from "../release/split.ts";
import type { Running, State } from "../release/state.ts";

/** What this job has seen. A job that takes over counts from its own start; what was proven before is in the ledger. */
export type Memory = {
  readonly meter: Meter;
  /** Since the stage began. */
  readonly tally: Tally;
  /** Requests since the first scrape after the stage's weight was written: that scrape itself still has some of the weight before. */
  readonly served?: Pair;
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
  /** Since the release began. */
  readonly evidence: Evidence;
  /** Why the newest counters are missing. */
  readonly uncounted?: string;
};

export const remember = ({ ledger, plan }: ReleaseRecord): Memory => ({
  ...nothingSeen,
  evidence: evidenceOf(ledger, plan.evidence.settings),
});
const nothingSeen: Memory = { meter: emptyMeter, tally: emptyTally, readings: new Map(), evidence: noEvidence };

/** A new stage: counts and readings begin again, what was proven stays. */
export const enterStage = ({ served: _, ...memory }: Memory): Memory => ({
  ...memory,
  tally: emptyTally,
  readings: new Map(),
});

/** What a look found, before the engine adds what it knows itself (time, deadline, stop). */
export type Look = Pick<
  Observation,
  "drift" | "canary" | "stable" | "tally" | "served" | "uncounted" | "evidence" | "readings"
> & {
  readonly memory: Memory;
  /** What was counted since the last look, for the ledger. */
  readonly poll?: Poll;
  readonly trouble?: { readonly because: string; readonly lasting: boolean };
};

/** Looks at what a decision in this phase needs and at nothing else: a rollback does not wait for a look. */
export async function observe(
  record: ReleaseRecord,
  state: Running,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Look> {
  const seen = (found: Partial<Look>): Look => ({ memory, readings: memory.readings, ...found });
  try {
    switch (state.phase) {
      case "preparing":
        return seen(state.step === "starting" ? { canary: await ports.workload.health("canary") } : {});
      case "shifting":
        return seen(await lookWhileShifting(record, state.step, ports, memory, signal));
      case "baking":
        return await lookAtStage(record, state, ports, memory, signal);
      case "promoting":
        return seen(state.step === "starting" ? { stable: await ports.workload.health("stable") } : {});
      case "rolling-back":
        return seen(state.step === "draining" ? await lastWords(ports) : {});
    }
  } catch (error) {
    signal.throwIfAborted();
    return seen({ trouble: troubleOf(error) });
  }
}

export const troubleOf = (error: unknown): { readonly because: string; readonly lasting: boolean } => ({
  because: tell(error),
  lasting: error instanceof DeniedError,
});

/** Nobody waits for them: what cannot be read is not worth a rollback's trouble. */
const lastWords = (ports: Ports): Promise<Partial<Look>> =>
  ports.workload.health("canary").then(
    (canary) => ({ canary }),
    () => ({}),
  );

/** Before a weight is written the counters are read, so that its first requests are counted too; and while a canary that serves already gets more pods. */
async function lookWhileShifting(
  record: ReleaseRecord,
  step: "scaling" | "filling" | "routing",
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Partial<Look>> {
  if (step === "scaling") return {};
  const serves = record.stages.length > 0;
  const [canary, counted] = await Promise.all([
    step === "filling" ? ports.workload.health("canary") : undefined,
    step === "routing" || serves ? count(record, ports, memory, signal) : undefined,
  ]);
  return { ...(canary ? { canary } : {}), ...(counted ? { ...counted, evidence: counted.memory.evidence } : {}) };
}

type Baking = Extract<State, { phase: "baking" }>;

async function lookAtStage(
  record: ReleaseRecord,
  state: Baking,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Look> {
  const [drift, canary, counted, readings] = await Promise.all([
    ports.router.drift(splitOf(record.plan, state.stage)),
    ports.workload.health("canary"),
    count(record, ports, memory, signal),
    askQueries(record, state, ports, memory, signal),
  ]);
  return found({ ...counted, memory: { ...counted.memory, readings } }, canary, drift);
}

const found = ({ memory, poll }: Counted, canary: Health, drift: string | undefined): Look => ({
  memory,
  canary,
  readings: memory.readings,
  evidence: memory.evidence,
  ...(memory.served ? { served: memory.served } : {}),
  // Counters that could not be read are not zero: the tally as it was would let a gate pass on old evidence.
  ...(memory.uncounted === undefined ? { tally: memory.tally } : { uncounted: memory.uncounted }),
  ...(drift === undefined ? {} : { drift }),
  ...(poll === undefined ? {} : { poll }),
});

type Counted = { readonly memory: Memory; readonly poll?: Poll };

async function count(
  record: ReleaseRecord,
  ports: Ports,
  { uncounted: _, ...memory }: Memory,
  signal: AbortSignal,
): Promise<Counted> {
  const snapshot = await ports.metrics.counters(ports.clock.now(), signal);
  if ("because" in snapshot) return { memory: { ...memory, uncounted: snapshot.because } };
  const meter = advance(reset(memory.meter), snapshot);
  const counted = { ...memory, meter, tally: sumOf(memory.tally, meter.tally), ...servedSince(memory, meter.tally) };
  const poll = pollOf(record, memory, meter.tally, ports.clock.now());
  return poll
    ? { memory: { ...counted, evidence: addPoll(memory.evidence, poll, record.plan.evidence.settings) }, poll }
    : { memory: counted };
}

function servedSince({ served, meter }: Memory, { stable, canary }: Tally): Pick<Memory, "served"> {
  const [ofStable, ofCanary] = [stable.requests, canary.requests];
  if (served) return { served: { stable: served.stable + ofStable, canary: served.canary + ofCanary } };
  return meter.polls > 0 && ofStable + ofCanary > 0 ? { served: { stable: 0, canary: 0 } } : {};
}

/** Before the canary serves nothing is compared, and looks between two scrapes find nothing. */
function pollOf(
  record: ReleaseRecord,
  { meter, evidence }: Memory,
  { stable, canary, unattributed }: Tally,
  now: Instant,
): Poll | undefined {
  const [first] = record.stages;
  if (!first || meter.polls === 0) return undefined;
  const age = Math.max(0, now - first.since);
  const news = stable.requests + canary.requests + unattributed.errors > 0;
  return news || age - evidence.age >= record.plan.pollEvery
    ? { weight: plannedWeight(record), age, stable, canary, lost: unattributed.errors }
    : undefined;
}

/** Looks may come more often than polls; a query is asked once an interval, since its gate counts answers in a row, and when the stage may end. */
async function askQueries(
  { plan }: ReleaseRecord,
  { stage: index, since }: Baking,
  ports: Ports,
  { readings }: Memory,
  signal: AbortSignal,
): Promise<Memory["readings"]> {
  const at: Instant = ports.clock.now();
  const end = since + (plan.stages[index]?.wait ?? 0);
  const due = (last: Instant): boolean => at - last >= plan.pollEvery || (last < end && end <= at);
  const asked = (name: string): Instant => readings.get(name)?.at(-1)?.at ?? -Infinity;
  const gates = (plan.stages[index]?.gates ?? [])
    .filter((gate) => gate.kind === "query")
    .filter(({ name }) => due(asked(name)));
  const answers = await Promise.all(
    gates.map(
      async ({ name, query }) =>
        [name, [...(readings.get(name) ?? []), await ports.metrics.query(query, at, signal)]] as const,
    ),
  );
  return new Map([...readings, ...answers]);
}
