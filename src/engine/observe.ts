import type { Poll } from "../evidence/poll.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { DeniedError, tell, unlessTakenOver } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import type { Inquiry } from "../ports/respondent.ts";
import { type AskedGate, isAsked } from "../release/gate.ts";
import { asReached, canServe, type Health } from "../release/health.ts";
import type {
  Away,
  Counted,
  Look,
  PreparingLook,
  PromotingLook,
  Reading,
  Readings,
  RollingBackLook,
  Trouble,
  Unserved,
} from "../release/observation.ts";
import type { Plan } from "../release/plan.ts";
import { servingBy, trafficAt } from "../release/planned-traffic.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import { isBeforeEnd, isDue } from "../release/question.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Baking, Preparing, Promoting, RollingBack, Running, Shifting } from "../release/state.ts";
import { otherRole, type Role, roles } from "../release/target.ts";
import { takesPods, winnerOf } from "../release/transition.ts";
import { within } from "../world/within.ts";
import { type Counts, count, countsOf, countsOfNewStage, podsAfter } from "./count.ts";

/** What this job has seen. */
export type Memory = Counts & {
  /** Of the stage. */
  readonly readings: Readings;
  readonly away?: Away | undefined;
  /** A look at the cluster that has not ended yet: nobody asks for another meanwhile. */
  readonly pending?: Promise<ClusterSight> | undefined;
};

export const remember = (record: ReleaseRecord): Memory => ({ ...countsOf(record), readings: new Map() });

/** A new stage: counts and readings begin again, what was proven stays. */
export const enterStage = (memory: Memory): Memory => ({
  ...countsOfNewStage(memory),
  readings: new Map(),
  away: memory.away,
  pending: undefined,
});

/** What a look gave: what there is to decide by, what this job knows since, and what was counted for the ledger. */
export type Looked = {
  readonly memory: Memory;
  readonly poll?: Poll | undefined;
} & ({ readonly look: Look } | { readonly failure: Failure; readonly counted?: Counted | undefined });

/** What the world said when it did not do something. */
export type Failure = Pick<Trouble, "words" | "lasting">;

/** Looks at what a decision in this phase needs and at nothing else: a rollback does not wait for a look. */
export async function observe(
  record: ReleaseRecord,
  state: Running,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    switch (state.phase) {
      case "preparing":
        return { memory, look: await lookWhilePreparing(record, state.step, ports) };
      case "shifting":
        return withPods(await lookWhileShifting(record, state, ports, memory, signal), ports);
      case "baking":
        return withPods(await lookAtStage(record, state, ports, memory, signal), ports);
      case "promoting":
        return { memory, look: await lookWhilePromoting(record, state.step, ports) };
      case "rolling-back":
        return withCounts(record, await lookWhileRollingBack(record.plan, state, ports), ports, memory, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    unlessTakenOver(error);
    return { memory, failure: failureOf(error) };
  }
}

/** Who has come since is cold: what is counted from now on says so. */
function withPods(looked: Looked, { clock }: Ports): Looked {
  const canary = "look" in looked && "canary" in looked.look ? looked.look.canary : undefined;
  if (canary === undefined) return looked;
  const pods = podsAfter(looked.memory.pods, canary.available, clock.now());
  return { ...looked, memory: { ...looked.memory, pods } };
}

export const failureOf = (error: unknown): Failure => ({ words: tell(error), lasting: error instanceof DeniedError });

/** Until stable's weights are this release's to change, they are as it found them. */
async function lookWhilePreparing(
  record: ReleaseRecord,
  step: Preparing["step"],
  ports: Ports,
): Promise<PreparingLook> {
  const isComing = step === "starting" || step === "settling";
  const [canary, drift] = await Promise.all([
    step === "starting" ? ports.workload.health("canary", record.judged) : undefined,
    isComing ? driftSinceLast(record, ports) : undefined,
  ]);
  return { phase: "preparing", canary, drift };
}

/**
 * How the routes differ from what was written last. The next weight may have been written by a job that died then. Where
 * all goes at once nobody asks.
 */
async function driftSinceLast(record: ReleaseRecord, { router }: Ports): Promise<string | undefined> {
  const { plan, state } = record;
  if (plan.stages.length === 0) return undefined;
  const next = state.phase === "shifting" && state.step === "routing" ? trafficAt(plan, state.stage) : undefined;
  return router.drift(plannedTraffic(record), next);
}

/** What a step of a promotion needs to know: whoever may still serve, as what was judged, and where requests go. */
async function lookWhilePromoting(
  record: ReleaseRecord,
  step: Promoting["step"],
  { workload, router, bystanders }: Ports,
): Promise<PromotingLook> {
  const { plan, judged } = record;
  const winner = winnerOf(plan);
  const isUpdated = winner === "stable" && step !== "updating";
  const isOver = step === "draining" || step === "retiring";
  const loser = otherRole(winner);
  if (step === "settling") return { phase: "promoting" };
  const [ofStable, ofCanary, unserved, strayed, stranded] = await Promise.all([
    workload.health("stable", isUpdated ? judged : undefined),
    workload.health("canary", judged),
    router.unserved(roles),
    isOver || step === "finishing" ? router.strayed(winner, isOver ? undefined : plannedTraffic(record)) : undefined,
    takesPods(plan, step) ? bystanders.strandedWithout(loser) : undefined,
  ]);
  const [stable, canary] = [asReached(ofStable, unserved.stable), asReached(ofCanary, unserved.canary)];
  if (step !== "starting") return { phase: "promoting", stable, canary, strayed, stranded };
  const differences = await router.drift(plannedTraffic(record));
  const toStable = differences === undefined ? undefined : { differences, serving: ["stable"] as const };
  return { phase: "promoting", stable, canary, strayed: toStable };
}

/** A rollback waits for nothing that is not needed, nor long for what is: requests fail meanwhile. */
async function lookWhileRollingBack(plan: Plan, state: RollingBack, ports: Ports): Promise<RollingBackLook> {
  const { workload, router, bystanders, clock } = ports;
  const { phase } = state;
  const inGrace = (takers: Promise<Takers>) =>
    within(
      takers.catch((): Takers => ({})),
      takerGrace,
      clock,
    );
  switch (state.step) {
    case "returning":
      return { phase, ...(await inGrace(lookForTakers(ports))) };
    case "draining": {
      const isOver = clock.now() >= state.since + plan.drain;
      const [takers, canary, strayed] = await Promise.all([
        inGrace(lookForPods(ports)),
        isOver ? workload.health("canary").catch(() => undefined) : undefined,
        router.strayed("stable").catch(() => undefined),
      ]);
      return { phase, stable: takers?.stable, canary, strayed };
    }
    case "retiring": {
      const asked = [router.strayed("stable"), bystanders.strandedWithout("canary")] as const;
      const [takers, strayed, stranded] = await Promise.all([inGrace(lookForPods(ports)), ...asked]);
      return { phase, ...takers, strayed, stranded };
    }
  }
}

/** Whoever keeps its requests goes on being judged. Where they can be given back nobody waits for counts. */
async function withCounts(
  record: ReleaseRecord,
  look: RollingBackLook,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Looked> {
  const stage = record.stages.at(-1)?.stage;
  if (stage === undefined || !look.stable?.unreached || !look.canary?.available) return { memory, look };
  const { counted, ...known } = await lookAtMetrics(record, stage, ports, memory, signal);
  return { ...known, look: { ...look, counted: { ...counted, stage } } };
}

/** How long a rollback waits to know whether stable has pods. */
const takerGrace: Millis = 1_000;

type Takers = Pick<RollingBackLook, "stable" | "canary">;

/** As requests find them. */
const lookForTakers = (ports: Ports): Promise<Takers> =>
  lookForPods(
    ports,
    ports.router.unserved(roles).catch((): Unserved => ({})),
  );

/** Only where nobody can count on stable's pods it matters whether the canary has any. */
async function lookForPods({ workload }: Ports, unreached: Unserved | Promise<Unserved> = {}): Promise<Takers> {
  const [health, unserved] = await Promise.all([workload.health("stable"), unreached]);
  const stable = asReached(health, unserved.stable);
  if (canServe(stable)) return { stable };
  return { stable, canary: asReached(await workload.health("canary"), unserved.canary) };
}

/**
 * Before a weight is written requests are counted, so that its first ones are told apart; and while a canary that
 * serves already gets more pods.
 */
async function lookWhileShifting(
  record: ReleaseRecord,
  state: Shifting,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Looked> {
  const { step } = state;
  if (step === "scaling") return { memory, look: { phase: "shifting", canary: undefined } };
  const traffic = trafficAt(record.plan, state.stage);
  const among = servingBy({ ...traffic, canary: 100 });
  const lookAtCluster = () => orFailure(lookBeforeWeight(record, among, ports), signal);
  const isCounted = step === "routing" || record.stages.length > 0;
  const [{ pending, ...cluster }, metrics] = await Promise.all([
    inTime(lookAtCluster, record.plan, memory.pending, ports),
    isCounted ? lookAtMetrics(record, state.stage - 1, ports, memory, signal) : undefined,
  ]);
  const { counted, ...known } = metrics ?? { memory };
  if ("failure" in cluster) return { ...known, ...cluster, memory: { ...known.memory, pending }, counted };
  const { drift, canary, unserved } = cluster.value;
  const away = awayBy(unserved, known.memory, ports);
  return {
    ...known,
    memory: { ...known.memory, away, pending },
    look: { phase: "shifting", drift, canary, away, counted },
  };
}

/** The routes as they were written last, and the pods. */
async function lookBeforeWeight(record: ReleaseRecord, among: readonly Role[], ports: Ports): Promise<ClusterSeen> {
  const [drift, pods] = await Promise.all([driftSinceLast(record, ports), lookAtPods(record, among, ports)]);
  return { ...pods, drift };
}

/** What a look at the cluster gave, or why it gave nothing. */
type ClusterSight = { readonly value: ClusterSeen } | { readonly failure: Failure };
type ClusterSeen = {
  readonly drift?: string | undefined;
  readonly canary: Health;
  readonly unserved: Unserved;
};

/**
 * An API server that stalls keeps a look for as long as its client tries, which is a minute and more. The look may go on,
 * and its job does not wait: what is counted elsewhere is judged meanwhile.
 */
async function inTime(
  ask: () => Promise<ClusterSight>,
  { pollEvery }: Plan,
  asked: Memory["pending"],
  { clock }: Ports,
): Promise<ClusterSight & { readonly pending?: Promise<ClusterSight> }> {
  const pending = asked ?? ask();
  const sight = await within(pending, Math.max(pollEvery, lookLimit), clock);
  if (sight) return sight;
  return { pending, failure: { words: "the API server has not answered what was asked of it yet", lasting: false } };
}

/** Several requests one after the other, on a slow line. */
export const lookLimit: Millis = 5_000;

/** The canary as requests find it, and who else would get requests and cannot. */
async function lookAtPods(
  { judged }: ReleaseRecord,
  among: readonly Role[],
  { workload, router }: Ports,
): Promise<ClusterSeen> {
  const [health, unserved] = await Promise.all([workload.health("canary", judged), router.unserved(among)]);
  return { canary: asReached(health, unserved.canary), unserved };
}

const awayBy = ({ stable: words }: Unserved, { away }: Memory, { clock }: Ports): Away | undefined =>
  words === undefined ? undefined : { words, since: away?.since ?? clock.now() };

async function lookAtStage(
  record: ReleaseRecord,
  state: Baking,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Looked> {
  const traffic = trafficAt(record.plan, state.stage);
  const lookAtAll = async (): Promise<ClusterSeen> => {
    const looks = [
      lookAtPods(record, servingBy(traffic), ports),
      ports.router.drift(traffic),
      stillOurs(ports),
    ] as const;
    const [pods, drift] = await Promise.all(looks);
    return { ...pods, drift };
  };
  const lookAtCluster = () => orFailure(lookAtAll(), signal);
  const inMetrics = lookAtMetrics(record, state.stage, ports, memory, signal);
  inMetrics.catch(() => undefined); // aborted, when nobody waits for it any more
  let cluster: Awaited<ReturnType<typeof inTime>>;
  let metrics: Awaited<typeof inMetrics> | undefined;
  let { pending: asked } = memory;
  do {
    cluster = await inTime(lookAtCluster, record.plan, asked, ports);
    asked = cluster.pending;
    if ("value" in cluster && isLost(cluster.value.canary)) {
      const { drift, canary } = cluster.value;
      const { evidence, served, readings } = memory;
      const counts = { uncounted: "it was not waited for" };
      const known = { ...memory, pending: undefined };
      return { memory: known, look: { phase: "baking", drift, canary, counts, served, evidence, readings } };
    }
    metrics = await within(inMetrics, record.plan.pollEvery, ports.clock);
  } while (!metrics);
  const { counted, ...known } = metrics;
  const { pending, ...seen } = cluster;
  if ("failure" in seen) return { ...known, ...seen, memory: { ...known.memory, pending }, counted };
  const { drift, canary, unserved } = seen.value;
  const away = awayBy(unserved, memory, ports);
  const { served } = known.memory;
  return {
    ...known,
    memory: { ...known.memory, away, pending },
    look: { phase: "baking", drift, canary, away, served, ...counted },
  };
}

/** What was counted is kept whatever becomes of the rest of a look: no later one counts it again. */
export async function lookAtMetrics(
  record: ReleaseRecord,
  stage: number,
  ports: Ports,
  memory: Memory,
  signal: AbortSignal,
): Promise<Pick<Looked, "memory" | "poll"> & { readonly counted: Counted }> {
  const [{ counts: newest, poll }, { readings, awaited }] = await Promise.all([
    count(record, memory, ports, signal),
    askGates(record, stage, ports, memory, signal),
  ]);
  const { evidence, tally, uncounted, untimed } = newest;
  // Counters that could not be read are not zero: the tally as it was would let a gate pass on old evidence.
  const counts = uncounted === undefined ? { tally, untimed } : { uncounted };
  return { memory: { ...memory, ...newest, readings }, poll, counted: { counts, evidence, readings, awaited } };
}

/** A stage saves nothing for as long as it lasts. A journal that cannot be read is asked again with the next look. */
const stillOurs = ({ journal }: Ports): Promise<void> => journal.confirm().catch(unlessTakenOver);

/** Nothing that is counted would change what becomes of it, so a source that stalls keeps nobody waiting. */
const isLost = ({ available, fatal, changed }: Health): boolean =>
  available === 0 || fatal !== undefined || changed !== undefined;

const orFailure = <T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T } | { readonly failure: Failure }> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => {
      signal.throwIfAborted();
      unlessTakenOver(error);
      return { failure: failureOf(error) };
    },
  );

/** What is due; who has no answer yet is asked for it again at the next look. */
async function askGates(
  { plan, stages, target }: ReleaseRecord,
  index: number,
  ports: Ports,
  { readings }: Memory,
  signal: AbortSignal,
): Promise<Pick<Counted, "readings" | "awaited">> {
  const at: Instant = ports.clock.now();
  const { since = at, weight = 0 } = stages.at(-1) ?? {};
  const { gates = [], wait = 0, name: stage = "" } = plan.stages[index] ?? {};
  const about: Inquiry = { at, target, weight, stage, since, testers: plan.testers };
  const moment = { now: at, pollEvery: plan.pollEvery, end: since + wait, settled: since + plan.meshDelay };
  const lastOf = ({ name }: AskedGate, among: Readings): Reading | undefined => among.get(name)?.at(-1);
  const asked = gates.filter(isAsked);
  const answers = await Promise.all(
    asked
      .filter((gate) => isDue(gate, lastOf(gate, readings), moment))
      .map(async (gate) => [gate, await answerOrWhy(gate, about, ports, signal)] as const),
  );
  const newest = new Map(readings);
  for (const [{ name }, answer] of answers) if (answer) newest.set(name, [...(newest.get(name) ?? []), answer]);
  const isOpen = new Set(answers.flatMap(([gate, answer]) => (answer ? [] : [gate])));
  const later = { ...moment, now: ports.clock.now() };
  const awaited = asked.filter(
    (gate) => isOpen.has(gate) || (gate.kind === "json" && isBeforeEnd(lastOf(gate, newest) ?? { at }, later)),
  );
  return { readings: newest, awaited: new Set(awaited.map(({ name }) => name)) };
}

/** Whatever a gate's question comes to, requests were counted meanwhile and are judged. */
async function answerOrWhy(
  gate: AskedGate,
  about: Inquiry,
  ports: Ports,
  signal: AbortSignal,
): Promise<Reading | undefined> {
  try {
    return await answerTo(gate, about, ports, signal);
  } catch (error) {
    signal.throwIfAborted();
    unlessTakenOver(error);
    return { at: about.at, because: tell(error) };
  }
}

async function answerTo(
  gate: AskedGate,
  about: Inquiry,
  { metrics, respondents }: Ports,
  signal: AbortSignal,
): Promise<Reading | undefined> {
  switch (gate.kind) {
    case "query":
      return metrics.query(gate.query, about.at, signal);
    case "json":
      return respondents.json.ask(gate, about, signal);
    case "run":
      return respondents.run.ask(gate, about, signal);
  }
}
