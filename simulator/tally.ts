import type { Millis } from "../src/lib/duration.ts";
import { kindOf } from "./disturbance.ts";
import type { Result } from "./simulation.ts";
import { type Invariant, invariants } from "./watch.ts";

/** What is worth knowing of a seed when all are counted. */
export type SeedFacts = {
  readonly seed: number;
  readonly violated: readonly Invariant[];
  /** What happened to its release. */
  readonly faults: readonly string[];
  /** How long a bad version had requests. */
  readonly exposure: Millis;
  readonly commands: number;
};

export const factsOf = ({ scenario, violations, happened, exposure, commands }: Omit<Result, "story">): SeedFacts => ({
  seed: scenario.seed,
  violated: violations.map(({ invariant }) => invariant),
  faults: [...new Set(happened.map(kindOf))],
  exposure,
  commands,
});

/** How often each fault was played, how often all invariants held, and the longest time on a bad version. */
export type FaultRow = { readonly tried: number; readonly survived: number; readonly exposure: Millis };

export type Tally = {
  readonly seeds: readonly SeedFacts[];
  readonly failed: readonly number[];
  readonly byInvariant: ReadonlyMap<Invariant, readonly number[]>;
  readonly byFault: ReadonlyMap<string, FaultRow>;
};

export function tallyOf(seeds: readonly SeedFacts[]): Tally {
  const byFault = new Map<string, FaultRow>();
  for (const { faults, violated, exposure } of seeds) {
    for (const fault of faults.length === 0 ? ["none"] : faults) {
      const row = byFault.get(fault) ?? { tried: 0, survived: 0, exposure: 0 };
      const survived = row.survived + (violated.length === 0 ? 1 : 0);
      byFault.set(fault, { tried: row.tried + 1, survived, exposure: Math.max(row.exposure, exposure) });
    }
  }
  const violating = (invariant: Invariant): readonly number[] =>
    seeds.filter(({ violated }) => violated.includes(invariant)).map(({ seed }) => seed);
  return {
    seeds,
    failed: seeds.filter(({ violated }) => violated.length > 0).map(({ seed }) => seed),
    byInvariant: new Map(invariants.map((invariant) => [invariant, violating(invariant)] as const)),
    byFault,
  };
}

/** What did not hold, and in which seeds. */
export function tellTally({ seeds, failed, byInvariant }: Tally): string {
  const lines = [...byInvariant]
    .filter(([, violating]) => violating.length > 0)
    .map(
      ([invariant, violating]) =>
        `${String(violating.length).padStart(6)} seeds: ${invariant} (${violating.slice(0, 12).join(" ")})`,
    );
  const commands = seeds.reduce((sum, each) => sum + each.commands, 0);
  return [...lines, `${seeds.length} seeds, ${commands} commands, ${failed.length} seeds with a violation`].join("\n");
}

/** As Node's runner closes, which is how `.ci/run` counts: an invariant is one test, whatever the number of seeds. */
export function countTally({ byInvariant }: Tally): string {
  const broken = [...byInvariant.values()].filter((violating) => violating.length > 0).length;
  return `ℹ pass ${byInvariant.size - broken}\nℹ fail ${broken}`;
}
