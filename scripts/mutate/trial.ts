import type { Millis } from "../../src/lib/duration.ts";
import type { Mutant } from "./mutants.ts";
import type { Reach } from "./reach.ts";
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
  /** Every test that was looked at, and those of use: how each runs without a mutant. */
  const surveys = new Map<string, Promise<void>>();
  const known = new Map<string, Surveyed>();
  /** How many mutants of a file a test has noticed. */
  const noticed = new Map<string, number>();
  const noticedBy = (path: string, { test }: Surveyed): number => noticed.get(`${path} ${test}`) ?? 0;
  const trials: Trial[] = [];
  const open = [...mutants];

  const look = async (workshop: Workshop, test: string): Promise<void> => {
    const { outcome, took, reach } = await workshop.survey(test, budget);
    if (outcome === "passed") known.set(test, { test, duration: took, reach });
  };
  const surveyed = (workshop: Workshop, test: string): Promise<void> => {
    const survey = surveys.get(test) ?? look(workshop, test);
    surveys.set(test, survey);
    return survey;
  };

  /**
   * The nearest tests that come by and fit into the budget, as they are needed: first those that are known, of them those
   * that noticed others of the file, then the quickest. Most mutants are noticed before another has to be looked at.
   */
  async function* chosen(workshop: Workshop, { path, start }: Mutant): AsyncGenerator<Surveyed> {
    const left = new Set(testsFor(path).slice(0, nearest));
    let sum = 0;
    const takes = (one: Surveyed): boolean => one.reach(path, start) && sum + one.duration <= budget;
    for (;;) {
      const [next] = [...left]
        .flatMap((test) => known.get(test) ?? [])
        .sort((a, b) => noticedBy(path, b) - noticedBy(path, a) || a.duration - b.duration);
      if (next) {
        left.delete(next.test);
        if (!takes(next)) continue;
        sum += next.duration;
        yield next;
        continue;
      }
      const [test] = left;
      if (test === undefined) return;
      await surveyed(workshop, test);
      if (!known.has(test)) left.delete(test);
    }
  }

  const work = async (workshop: Workshop): Promise<void> => {
    for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) {
      const { outcome, by } = await outcomeOf(workshop, mutant, chosen(workshop, mutant));
      if (by) noticed.set(`${mutant.path} ${by.test}`, noticedBy(mutant.path, by) + 1);
      const trial = { mutant, outcome };
      trials.push(trial);
      told(trial, trials.length);
    }
  };
  await Promise.all(workshops.map(work));

  return { trials, notAsked: [...surveys.keys()].filter((test) => !known.has(test)) };
}

/** How many tests are looked at for a mutant: whoever is further away comes by, but looks at something else. */
const nearest = 12;

type Surveyed = { readonly test: string; readonly duration: Millis; readonly reach: Reach };

async function outcomeOf(
  workshop: Workshop,
  mutant: Mutant,
  tests: AsyncIterable<Surveyed>,
): Promise<Pick<Trial, "outcome"> & { readonly by?: Surveyed }> {
  for await (const by of tests) {
    const heal = workshop.infect(mutant);
    const { outcome } = await workshop.run(by.test, 15_000 + 6 * by.duration).finally(heal);
    if (outcome !== "passed") return { outcome, by };
  }
  return { outcome: "survived" };
}
