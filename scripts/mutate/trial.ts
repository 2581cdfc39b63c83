import type { Millis } from "../../src/lib/duration.ts";
import type { Mutant } from "./mutants.ts";
import type { Workshop } from "./workshop.ts";

export type Trial = { readonly mutant: Mutant; readonly outcome: "failed" | "hung" | "survived" };

type TrialOptions = {
  /** As many mutants at the same time. */
  readonly workshops: readonly Workshop[];
  /** The nearest first. */
  readonly testsFor: (path: string) => readonly string[];
  /** How long the tests of a mutant may take together when nothing is wrong. */
  readonly budget: Millis;
  /** Called after each mutant, with how many are done. */
  readonly told: (trial: Trial, done: number) => void;
};

type Trials = {
  readonly trials: readonly Trial[];
  /** Tests that were left out: they are slower than the budget, or red by themselves. */
  readonly notAsked: readonly string[];
};

export async function tryMutants(
  mutants: readonly Mutant[],
  { workshops, testsFor, budget, told }: TrialOptions,
): Promise<Trials> {
  /** How long each test takes without a mutant; undefined when it is of no use. */
  const durations = new Map<string, Promise<Millis | undefined>>();
  const trials: Trial[] = [];
  const open = [...mutants];

  const measure = async (workshop: Workshop, test: string): Promise<Millis | undefined> => {
    const { outcome, took } = await workshop.run(test, budget);
    return outcome === "passed" ? took : undefined;
  };

  /** The nearest tests that fit into the budget, the quickest first: most mutants die by any of them. */
  const choose = async (workshop: Workshop, path: string): Promise<readonly Timed[]> => {
    const timed: Timed[] = [];
    let sum = 0;
    for (const test of testsFor(path)) {
      const measured = durations.get(test) ?? measure(workshop, test);
      durations.set(test, measured);
      const duration = await measured;
      if (duration === undefined) continue;
      sum += duration;
      if (sum > budget) break;
      timed.push({ test, duration });
    }
    return timed.sort((a, b) => a.duration - b.duration);
  };

  const work = async (workshop: Workshop): Promise<void> => {
    for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) {
      const tests = await choose(workshop, mutant.path);
      const heal = workshop.infect(mutant);
      const trial = { mutant, outcome: await outcomeOf(workshop, tests) };
      heal();
      trials.push(trial);
      told(trial, trials.length);
    }
  };
  await Promise.all(workshops.map(work));

  const notAsked: string[] = [];
  for (const [test, duration] of durations) if ((await duration) === undefined) notAsked.push(test);
  return { trials, notAsked };
}

type Timed = { readonly test: string; readonly duration: Millis };

async function outcomeOf(workshop: Workshop, tests: readonly Timed[]): Promise<Trial["outcome"]> {
  for (const { test, duration } of tests) {
    const { outcome } = await workshop.run(test, 15_000 + 6 * duration);
    if (outcome !== "passed") return outcome;
  }
  return "survived";
}
