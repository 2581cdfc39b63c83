import { chance } from "../../../src/rehearsal/chance.ts";
import { engine } from "./engine.ts";
import type { Judge, Outcome } from "./judge.ts";
import { argo, flagger, kayenta, pooled, ratio } from "./peers.ts";
import type { Scenario } from "./scenarios.ts";
import { pollSeconds, type Release } from "./world.ts";

/** The first is the product. */
const judges: readonly (readonly [tool: string, judge: Judge])[] = [
  ["Istio Canary", engine()],
  ["without warm-up", engine({ warmUp: 0 })],
  ["Flagger", flagger],
  ["Argo", argo],
  ["Kayenta-style", kayenta],
  ["ratio > 1.5", ratio],
  ["pooled", pooled],
];

export const tools: readonly string[] = judges.map(([tool]) => tool);

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
export function measure(scenario: Scenario, index: number, seed: number, runs: number): Row {
  const next = chance(seed + 1_000 * index);
  const seen = judges.map(([tool, judge]) => ({ tool, judge, outcomes: [] as Judged[] }));
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

function servedBy({ polls }: Release, outcome: Outcome, harm: Scenario["harm"]): number {
  const until = outcome.end === "rolled back" ? outcome.at : polls.length;
  return polls
    .slice(0, until)
    .reduce((sum, { canary }) => sum + (harm === "failed" ? canary.errors : canary.requests), 0);
}

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
