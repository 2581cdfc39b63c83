import type { Millis } from "../../src/lib/duration.ts";
import type { Mutant } from "./mutants.ts";
import type { Reach } from "./reach.ts";
import { runsProgram } from "./test-choice.ts";
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
  /** How each test runs without a mutant; undefined when it is of no use. */
  const surveys = new Map<string, Promise<Surveyed | undefined>>();
  /** How many mutants of a file a test has noticed. */
  const noticed = new Map<string, number>();
  const noticedBy = (path: string, { test }: Surveyed): number => noticed.get(`${path} ${test}`) ?? 0;
  const trials: Trial[] = [];
  const open = [...mutants];

  const survey = async (workshop: Workshop, test: string): Promise<Surveyed | undefined> => {
    const { outcome, took, reach } = await workshop.survey(test, budget);
    return outcome === "passed" ? { test, duration: took, reach } : undefined;
  };

  /** The nearest tests that come by and fit into the budget; first who noticed others of the file, then the quickest. */
  const choose = async (workshop: Workshop, { path, start }: Mutant): Promise<readonly Surveyed[]> => {
    const chosen: Surveyed[] = [];
    let sum = 0;
    for (const test of testsFor(path).slice(0, nearest)) {
      const surveyed = surveys.get(test) ?? survey(workshop, test);
      surveys.set(test, surveyed);
      const known = await surveyed;
      if (known === undefined || !(runsProgram(test) || known.reach(path, start))) continue;
      sum += known.duration;
      if (sum > budget) break;
      chosen.push(known);
    }
    return chosen.sort((a, b) => noticedBy(path, b) - noticedBy(path, a) || a.duration - b.duration);
  };

  const work = async (workshop: Workshop): Promise<void> => {
    for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) {
      const tests = await choose(workshop, mutant);
      const heal = workshop.infect(mutant);
      const { outcome, by } = await outcomeOf(workshop, tests);
      heal();
      if (by) noticed.set(`${mutant.path} ${by.test}`, noticedBy(mutant.path, by) + 1);
      const trial = { mutant, outcome };
      trials.push(trial);
      told(trial, trials.length);
    }
  };
  await Promise.all(workshops.map(work));

  const notAsked: string[] = [];
  for (const [test, surveyed] of surveys) if ((await surveyed) === undefined) notAsked.push(test);
  return { trials, notAsked };
}

/** How many tests are looked at for a mutant: whoever is further away comes by, but looks at something else. */
const nearest = 10;

type Surveyed = { readonly test: string; readonly duration: Millis; readonly reach: Reach };

async function outcomeOf(
  workshop: Workshop,
  tests: readonly Surveyed[],
): Promise<Pick<Trial, "outcome"> & { readonly by?: Surveyed }> {
  for (const by of tests) {
    const { outcome } = await workshop.run(by.test, 15_000 + 6 * by.duration);
    if (outcome !== "passed") return { outcome, by };
  }
  return { outcome: "survived" };
}
