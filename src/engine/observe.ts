import type { Poll } from "../evidence/evidence.ts";
import type { Instant } from "../lib/duration.ts";
import { DeniedError, tell } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import type { Reading } from "../release/judge.ts";
import type { Observation } from "../release/observation.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { splitOf } from "../release/split.ts";
import type { Running, State } from "../release/state.ts";
import { type Counts, count, countsOf, countsOfNewStage } from "./count.ts";

/** What this job has seen. */
export type Memory = Counts & {
  /** Of the stage. */
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
};

export const remember = (record: ReleaseRecord): Memory => ({ ...countsOf(record), readings: new Map() });

/** A new stage: counts and readings begin again, what was proven stays. */
export const enterStage = (memory: Memory): Memory => ({ ...countsOfNewStage(memory), readings: new Map() });

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

/** Before a weight is written requests are counted, so that its first ones are told apart; and while a canary that serves already gets more pods. */
async function lookWhileShifting(
  record: ReleaseRecord,
  step: "scaling" | "filling" | "routing",
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Partial<Look>> {
  if (step === "scaling") return {};
  const serves = record.stages.length > 0;
  const [pods, counted] = await Promise.all([
    step === "filling" ? orTrouble(ports.workload.health("canary"), signal) : undefined,
    step === "routing" || serves ? count(record, memory, ports, signal) : undefined,
  ]);
  const kept = counted ? keep(memory, counted) : {};
  if (pods && "trouble" in pods) return { ...kept, ...pods };
  return {
    ...kept,
    ...(pods ? { canary: pods.value } : {}),
    ...(counted ? { evidence: counted.counts.evidence } : {}),
  };
}

type Baking = Extract<State, { phase: "baking" }>;

async function lookAtStage(
  record: ReleaseRecord,
  state: Baking,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Look> {
  const [cluster, counted] = await Promise.all([
    orTrouble(
      Promise.all([
        ports.router.drift(splitOf(record.plan, state.stage)),
        ports.workload.health("canary"),
        askQueries(record, state, ports, memory, signal),
      ]),
      signal,
    ),
    count(record, memory, ports, signal),
  ]);
  if ("trouble" in cluster) return { readings: memory.readings, ...keep(memory, counted), ...cluster };
  const [drift, canary, readings] = cluster.value;
  const { evidence, served, tally, uncounted } = counted.counts;
  return {
    ...keep({ ...memory, readings }, counted),
    canary,
    readings,
    evidence,
    ...(served ? { served } : {}),
    // Counters that could not be read are not zero: the tally as it was would let a gate pass on old evidence.
    ...(uncounted === undefined ? { tally } : { uncounted }),
    ...(drift === undefined ? {} : { drift }),
  };
}

/** What was counted is kept whatever becomes of the rest of a look: no later one counts it again. */
const keep = (memory: Memory, { counts, poll }: Awaited<ReturnType<typeof count>>): Pick<Look, "memory" | "poll"> => ({
  memory: { ...memory, ...counts },
  ...(poll ? { poll } : {}),
});

const orTrouble = <T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T } | Pick<Required<Look>, "trouble">> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => {
      signal.throwIfAborted();
      return { trouble: troubleOf(error) };
    },
  );

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
