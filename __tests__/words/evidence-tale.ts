import assert from "node:assert/strict";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { append, emptyLedger } from "../../src/evidence/ledger.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import { emptyTally, sumOf, type Tally } from "../../src/evidence/tally.ts";
import { type Account, accountOf } from "../../src/release/account.ts";
import { decide } from "../../src/release/decide.ts";
import { follow } from "../../src/release/follow.ts";
import type { Gate } from "../../src/release/gate.ts";
import type { Look } from "../../src/release/observation.ts";
import type { Plan } from "../../src/release/plan.ts";
import { plannedWeight } from "../../src/release/planned-weight.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { initial, isRunning, type Running } from "../../src/release/state.ts";
import { base, healthy, plan, start, tallyOf } from "./sample.ts";

const gates: readonly Gate[] = [
  { kind: "evidence", name: "evidence" },
  { kind: "restarts", name: "restarts", atMost: 0 },
];

export const evidencePlan: Plan = { ...plan, stages: plan.stages.map((stage) => ({ ...stage, gates })) };

/** Requests and failures of stable and the canary within a second, by the canary's weight. */
export type Traffic = (weight: number) => {
  readonly stable: readonly [number, number];
  readonly canary: readonly [number, number];
  readonly lost?: number;
};

/** The accounts of a release that is judged by evidence, as an engine reports them: each step is what `decide` says, on a clock that jumps. */
export function evidenceTale(traffic: Traffic, wanted: Plan = evidencePlan): readonly Account[] {
  const told: Account[] = [];
  const { settings } = wanted.evidence;
  let record: ReleaseRecord = {
    ...base,
    version: 1,
    plan: wanted,
    before: { routes: {}, workloads: {}, image: "ghcr.io/acme/reviews:1.3.9" },
    state: initial(start),
    ledger: emptyLedger,
  };
  let [now, counted, evidence, tally] = [start, start, noEvidence, emptyTally];
  let served: number | undefined;
  while (isRunning(record.state)) {
    const { state } = record;
    if (state.phase === "baking" && served !== undefined && now - counted >= wanted.pollEvery) {
      const poll = polled(traffic, plannedWeight(record), now - served, (now - counted) / 1_000);
      record = { ...record, ledger: append(record.ledger, poll) };
      evidence = addPoll(evidence, poll, settings);
      tally = sumOf(tally, { ...emptyTally, stable: poll.stable, canary: poll.canary });
      counted = now;
    }
    const look = lookOf(state.phase, evidence, tally);
    const observation = { now, deadlineAt: start + wanted.deadline, look };
    const decision = decide(record.plan, state, observation);
    record = follow(record, decision, observation);
    told.push(accountOf(record, decision.reason, now, []));
    if (decision.do === "wait") now = decision.until;
    if (decision.do === "route") {
      served ??= now;
      counted = now;
      tally = emptyTally;
    }
  }
  const last = told.at(-1);
  const reason = "reason" in record.state ? record.state.reason : ({ kind: "promoted", winner: "canary" } as const);
  return last ? [...told, { ...last, reason, settled: true, differences: [] }] : [];
}

function lookOf(phase: Running["phase"], evidence: Evidence, tally: Tally): Look {
  switch (phase) {
    case "preparing":
    case "rolling-back":
      return { phase, canary: healthy };
    case "shifting":
      return { phase, canary: healthy, counted: { counts: { tally }, evidence, readings: new Map() } };
    case "promoting":
      return { phase, stable: healthy, canary: healthy };
    case "baking":
      return {
        ...{ phase, drift: undefined, canary: healthy, served: undefined, readings: new Map() },
        ...{ counts: { tally }, evidence },
      };
  }
}

function polled(traffic: Traffic, weight: number, age: number, seconds: number): Poll {
  const { stable, canary, lost = 0 } = traffic(weight);
  // Whole requests, none of them lost or counted twice by rounding.
  const between = (rate: number): number =>
    Math.floor((rate * age) / 1_000 + 1e-9) - Math.floor(rate * (age / 1_000 - seconds) + 1e-9);
  const times = ([requests, errors]: readonly [number, number]): readonly [number, number] => [
    between(requests),
    between(errors),
  ];
  return { weight, age, from: age - seconds * 1_000, ...tallyOf(times(stable), times(canary)), lost: between(lost) };
}

/** So many requests a second, and so many failing ones among a thousand of each version's. */
const steady =
  (rate: number, ofStable = 0, ofCanary = 0): Traffic =>
  (weight) => {
    const [stable, canary] = [(rate * (100 - weight)) / 100, (rate * weight) / 100];
    return { stable: [stable, (stable * ofStable) / 1_000], canary: [canary, (canary * ofCanary) / 1_000] };
  };

/** A budget of one failing request in a thousand. */
/** Somebody is to decide also where nothing was counted. */
const patient: Plan = { ...evidencePlan, evidence: { ...evidencePlan.evidence, noData: "hold" } };
const bounded: Plan = { ...evidencePlan, evidence: { ...evidencePlan.evidence, budget: 0.001 } };

export const evidenceTales = {
  "passed-by-evidence": evidenceTale(steady(50, 3, 3)),
  "proven-safe": evidenceTale(steady(2_000, 3, 3)),
  "rolled-back-by-evidence": evidenceTale((weight) => steady(50, 3, weight === 10 ? 3 : 60)(weight)),
  "rolled-back-by-the-breaker": evidenceTale(steady(50, 3, 500)),
  "held-undecided": evidenceTale(steady(0.2)),
  "held-without-data": evidenceTale(() => ({ stable: [0.2, 0], canary: [0, 0] }), patient),
  "held-by-the-split": evidenceTale((weight) => ({ stable: [10 - weight / 40, 0], canary: [weight / 40, 0] })),
  "held-by-the-budget": evidenceTale(steady(10), bounded),
  "a-stage-between": evidenceTale(steady(30), bounded),
} as const satisfies { readonly [name: string]: readonly Account[] };

/** The first account of a tale that is like this. */
const moment = (tale: readonly Account[], is: (account: Account) => boolean): Account =>
  tale.find(is) ?? assert.fail("the tale has no such moment");
const ending = (tale: readonly Account[]): Account => tale.at(-1) ?? assert.fail("the tale has no end");

/** Every moment that a report of evidence has to be good at, by the name of its golden file. */
export const evidenceSamples = {
  "passed-by-evidence": ending(evidenceTales["passed-by-evidence"]),
  "rolled-back-by-evidence": ending(evidenceTales["rolled-back-by-evidence"]),
  "held-undecided": ending(evidenceTales["held-undecided"]),
  "held-without-data": ending(evidenceTales["held-without-data"]),
  "held-by-the-split": ending(evidenceTales["held-by-the-split"]),
  "held-by-the-budget": ending(evidenceTales["held-by-the-budget"]),
  "a-stage-between": ending(evidenceTales["a-stage-between"]),
  extended: moment(evidenceTales["held-undecided"], ({ now }) => now >= start + 5 * 60_000),
} as const satisfies { readonly [name: string]: Account };
