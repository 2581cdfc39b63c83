import { chance } from "../../../src/rehearsal/chance.ts";
import { engine } from "./engine.ts";
import type { Judge, Outcome } from "./judge.ts";
import { pooled, ratio } from "./peers.ts";
import type { Scenario } from "./scenarios.ts";
import { servedBy } from "./served.ts";
import { tunedFor } from "./tuned.ts";
import { pollSeconds } from "./world.ts";

type Tool = readonly [tool: string, judge: Judge];

const product: Tool = ["Istio Canary", engine()];

/** All of them see the same releases. */
const compared = (service: string, seed: number): readonly Tool[] => [
  ["without warm-up", engine({ warmUp: 0 })],
  ...tunedFor(service, seed).map(({ tool, judge }): Tool => [tool, judge]),
  ["ratio > 1.5", ratio],
  ["pooled", pooled],
];

/** What one tool did in all releases of one scenario. */
export type Result = {
  readonly tool: string;
  readonly rolledBack: number;
  readonly passed: number;
  readonly sound: number;
  readonly undecided: number;
  readonly held: number;
  /** Seconds until the median rollback; undefined when there was none. */
  readonly medianSeconds?: number;
  /** Failed canary requests (all canary requests in scenarios of latency) until the rollback or the end: the average. */
  readonly served: number;
};

export type Row = {
  readonly scenario: string;
  readonly seed: number;
  readonly runs: number;
  readonly ours: Result;
  readonly peers: readonly Result[];
};

/** Each scenario has a stream of its own, so one can be run alone and gives the same numbers. */
export function measure(scenario: Scenario, index: number, seed: number, runs: number, alone: boolean): Row {
  const next = chance(seed + 1_000 * index);
  const seen = [product, ...(alone ? [] : compared(scenario.service, seed))].map(([tool, judge]) => ({
    tool,
    judge,
    outcomes: [] as Judged[],
  }));
  for (let run = 0; run < runs; run++) {
    const release = scenario.draw(next);
    for (const { judge, outcomes } of seen) {
      const outcome = judge(release);
      outcomes.push({ outcome, served: servedBy(release, outcome, scenario.harm) });
    }
  }
  const [ours, ...peers] = seen.map(({ tool, outcomes }) => summary(tool, outcomes));
  if (!ours) throw new Error("no tool to measure");
  return { scenario: scenario.name, seed, runs, ours, peers };
}

type Judged = { readonly outcome: Outcome; readonly served: number };

function summary(tool: string, outcomes: readonly Judged[]): Result {
  const part = (end: Outcome["end"]): number =>
    outcomes.filter(({ outcome }) => outcome.end === end).length / outcomes.length;
  const times = outcomes
    .flatMap(({ outcome }) => (outcome.end === "rolled back" ? [outcome.at * pollSeconds] : []))
    .sort((a, b) => a - b);
  const medianSeconds = times[Math.floor(times.length / 2)];
  return {
    tool,
    rolledBack: part("rolled back"),
    passed: part("passed"),
    sound: part("sound"),
    undecided: part("undecided"),
    held: part("held"),
    ...(medianSeconds === undefined ? {} : { medianSeconds }),
    served: outcomes.reduce((sum, { served }) => sum + served, 0) / outcomes.length,
  };
}
