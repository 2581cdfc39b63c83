import { addPoll, type Evidence, noEvidence } from "../evidence/evidence.ts";
import { isPoll, type Poll } from "../evidence/poll.ts";
import { emptyTally, sumOf, type Tally } from "../evidence/tally.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { decide } from "../release/decide.ts";
import type { Decision } from "../release/decision.ts";
import type { Gate } from "../release/gate.ts";
import type { Health } from "../release/health.ts";
import type { Look } from "../release/observation.ts";
import type { Plan } from "../release/plan.ts";
import type { State } from "../release/state.ts";
import { type RandomMesh, type RehearsedService, randomMesh } from "./random-mesh.ts";

/** How one rehearsed release ended. */
export type PlayedEnd = {
  /** `held`: somebody has to decide. */
  readonly end: "released" | "rolled-back" | "held";
  /** From its start to the promotion, the rollback or the hold. */
  readonly after: Millis;
  /** The canary's requests that failed until then. */
  readonly failed: number;
  /** It was rolled back because its time ran out, and not by a gate. */
  readonly late: boolean;
  /** It was rolled back for what needs no comparison with stable: it was plainly broken, or did not answer. */
  readonly plain: boolean;
};

/** Queries and response times of a version that is not there cannot be rehearsed. */
export const isRehearsed = ({ kind }: Gate): boolean => !["query", "json", "run", "latency"].includes(kind);

/** The plan as it is rehearsed: gates that cannot be count as passed, approvals are given at once, and nobody
 * knows how many requests testers send. */
const rehearsable = (plan: Plan): Plan => ({
  ...plan,
  stages: plan.stages
    .filter(({ weight }) => weight > 0)
    .map((stage) => ({ ...stage, approval: false, gates: stage.gates.filter(isRehearsed) })),
});

const healthy: Health = { ready: true, desired: 1, available: 1, restarts: 0, because: "1 of 1 pods is available" };

/**
 * One release on a clock that jumps. Each of its steps is what `decide` says; pods are ready at once, writes take no
 * time, and what is counted is counted as the engine does it. The same seed gives the same release.
 */
export const play = (plan: Plan, world: RehearsedService, seed: number): PlayedEnd =>
  playBefore(plan, randomMesh(world, plan.pollEvery, seed));

/** The same before any mesh that is as quick. */
export function playBefore(wanted: Plan, mesh: RandomMesh): PlayedEnd {
  let plan = rehearsable(wanted);
  let state: Open = { phase: "preparing", step: "deploying", since: 0 };
  let now: Instant = 0;
  let seen: PlayedCounts = { evidence: noEvidence, tally: emptyTally };
  for (;;) {
    if (state.phase === "baking") seen = count(seen, mesh, now, plan);
    const decision = decide(plan, state, { now, deadlineAt: wanted.deadline, look: lookIn(state.phase, seen) });
    plan = decision.plan ?? plan;
    if (decision.do === "wait") {
      mesh.pass(decision.until - now);
      now = decision.until;
      continue;
    }
    if (decision.do === "route") {
      if (seen.since === undefined) mesh.read(); // what came before the first weight belongs to no poll
      mesh.route(decision.to.canary);
      seen = { ...seen, tally: emptyTally, since: seen.since ?? now };
    }
    if (isDecided(decision.next))
      return {
        end: ends[decision.next.phase],
        after: now,
        failed: mesh.failed(),
        late: isLate(decision),
        plain: isPlain(decision),
      };
    state = decision.next;
  }
}

/** What the engine would see of it. */
function lookIn(phase: Open["phase"], { evidence, tally }: PlayedCounts): Look {
  switch (phase) {
    case "preparing":
      return { phase, canary: healthy };
    case "shifting":
      return { phase, canary: healthy, counted: { counts: { tally }, evidence, readings: new Map() } };
    case "baking":
      return { ...allIsWell, counts: { tally }, evidence };
  }
}

const allIsWell = {
  phase: "baking",
  drift: undefined,
  canary: healthy,
  served: undefined,
  readings: new Map(),
} as const;

type Open = Extract<State, { readonly phase: "preparing" | "shifting" | "baking" }>;
type Decided = Exclude<State, Open>;

const isDecided = (state: State): state is Decided => state.phase in ends;

/** Past these a release only goes on to its end. */
const ends: Readonly<Record<Decided["phase"], PlayedEnd["end"]>> = {
  promoting: "released",
  succeeded: "released",
  "rolling-back": "rolled-back",
  "rolled-back": "rolled-back",
  failed: "rolled-back",
  waiting: "held",
};

const isLate = (decision: Decision): boolean =>
  decision.do !== "wait" && decision.next.phase === "rolling-back" && decision.reason.kind !== "gate-failed";

function isPlain(decision: Decision): boolean {
  if (decision.do === "wait" || decision.reason.kind !== "gate-failed") return false;
  const { figures } = decision.reason.verdict;
  return figures.of === "evidence" && "conclusion" in figures && figures.conclusion.finding !== "harm";
}

type PlayedCounts = {
  readonly evidence: Evidence;
  /** Since the stage began. */
  readonly tally: Tally;
  /** When the first weight was written. */
  readonly since?: Instant | undefined;
};

/** Counts as the engine does. */
function count(
  before: PlayedCounts,
  mesh: RandomMesh,
  now: Instant,
  { pollEvery, evidence: { settings } }: Plan,
): PlayedCounts {
  const counted = mesh.read();
  const { stable, canary, ago } = counted;
  const age = now - (before.since ?? now);
  const since = mesh.joined?.();
  const joined = since === undefined ? {} : { joined: age - since };
  const pods = mesh.pods ? { pods: mesh.pods() } : {};
  const poll: Poll = { weight: mesh.weight(), age, from: age - ago, ...joined, ...pods, stable, canary, lost: 0 };
  if (!isPoll(poll, before.evidence.age, pollEvery)) return before;
  return {
    ...before,
    tally: sumOf(before.tally, counted),
    evidence: addPoll(before.evidence, poll, settings),
  };
}
