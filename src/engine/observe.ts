import { advance, emptyLedger, type Ledger } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import { DeniedError, tell } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { type Observation, splitOf } from "../release/decide.ts";
import type { Health } from "../release/health.ts";
import type { Reading } from "../release/judge.ts";
import type { Plan } from "../release/plan.ts";
import type { Running } from "../release/state.ts";

/** What has been seen since the stage began. Lives in memory: a job that takes over counts from its own start. */
export type Evidence = {
  readonly ledger: Ledger;
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
  /** Why the newest counters are missing. */
  readonly uncounted?: string;
};

export const noEvidence: Evidence = { ledger: emptyLedger, readings: new Map() };

/** What a look found, before the engine adds what it knows itself (time, deadline, stop). */
export type Look = Pick<Observation, "drift" | "canary" | "stable" | "tally" | "uncounted" | "readings"> & {
  readonly evidence: Evidence;
  readonly trouble?: { readonly because: string; readonly lasting: boolean };
};

/** Looks at what a decision in this phase needs and at nothing else: a rollback does not wait for a look. */
export async function observe(plan: Plan, state: Running, ports: Ports, evidence: Evidence, signal: AbortSignal): Promise<Look> {
  const seen = (found: Partial<Look>): Look => ({ evidence, readings: evidence.readings, ...found });
  try {
    switch (state.phase) {
      case "preparing":
        return seen(state.step === "starting" ? { canary: await ports.workload.health("canary") } : {});
      case "shifting":
        return seen(await lookWhileShifting(state.step, ports, evidence, signal));
      case "baking":
        return await lookAtStage(plan, state.stage, ports, evidence, signal);
      case "promoting":
        return seen(state.step === "starting" ? { stable: await ports.workload.health("stable") } : {});
      case "rolling-back":
        return seen({});
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

/** Before a weight is written the counters are read once, so that the first requests of the new weight are counted too. */
async function lookWhileShifting(step: "scaling" | "filling" | "routing", ports: Ports, evidence: Evidence, signal: AbortSignal): Promise<Partial<Look>> {
  if (step === "filling") return { canary: await ports.workload.health("canary") };
  if (step === "scaling") return {};
  return { evidence: await count(ports, evidence, signal) };
}

async function lookAtStage(plan: Plan, index: number, ports: Ports, evidence: Evidence, signal: AbortSignal): Promise<Look> {
  const [drift, canary, counted, readings] = await Promise.all([
    ports.router.drift(splitOf(plan, index)),
    ports.workload.health("canary"),
    count(ports, evidence, signal),
    askQueries(plan, index, ports, evidence, signal),
  ]);
  return found({ ...counted, readings }, canary, drift);
}

const found = (evidence: Evidence, canary: Health, drift: string | undefined): Look => ({
  evidence,
  canary,
  readings: evidence.readings,
  // Counters that could not be read are not zero: the tally as it was would let a gate pass on old evidence.
  ...(evidence.uncounted === undefined ? { tally: evidence.ledger.tally } : { uncounted: evidence.uncounted }),
  ...(drift === undefined ? {} : { drift }),
});

async function count(ports: Ports, { ledger, readings }: Evidence, signal: AbortSignal): Promise<Evidence> {
  const snapshot = await ports.metrics.counters(ports.clock.now(), signal);
  return "because" in snapshot ? { ledger, readings, uncounted: snapshot.because } : { ledger: advance(ledger, snapshot), readings };
}

async function askQueries(plan: Plan, index: number, ports: Ports, { readings }: Evidence, signal: AbortSignal): Promise<Evidence["readings"]> {
  const at: Instant = ports.clock.now();
  const gates = (plan.stages[index]?.gates ?? []).filter((gate) => gate.kind === "query");
  const answers = await Promise.all(
    gates.map(async ({ name, query }) => [name, [...(readings.get(name) ?? []), await ports.metrics.query(query, at, signal)]] as const),
  );
  return new Map([...readings, ...answers]);
}
