import { basename, dirname } from "node:path";
import type { Source } from "../source.ts";

/**
 * Tests that run the built program, which no import shows: it is made of these files' imports.
 * They take long, so they are asked only about what nothing else can reach.
 */
const runsProgram = (test: string): boolean => /^__tests__\/(integration\/|main\.test\.ts$)/.test(test);

/** Of these the ones that end soon come first. */
const soon = ["main", "integration/refusals", "integration/processes", "integration/defects"].map(
  (name) => `__tests__/${name}.test.ts`,
);

/** Tests that play a whole release, or look at a whole world: they come by everywhere, take long, and look elsewhere. */
const playsAll = /^__tests__\/(cases|simulator|sandbox)\//;

const programOnly = ["src/entry.ts", "src/main.ts", "src/dispatch.ts", "src/compose.ts"];

/** For each file of the product the tests that can notice a change in it, from the nearest. */
export function testChoice(sources: readonly Source[]): (path: string) => readonly string[] {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const tests = sources.map(({ path }) => path).filter((path) => path.endsWith(".test.ts"));
  const distances = new Map(tests.map((path) => [path, distancesFrom(path, imports)]));
  return (path) => {
    const ranked = tests.flatMap((test) => {
      const distance = distances.get(test)?.get(path);
      if (distance === undefined && !(runsProgram(test) && programOnly.includes(path))) return [];
      return [{ test, rank: rankOf(test, path, distance ?? (soon.includes(test) ? 8 : 9)) }];
    });
    const sorted = ranked.sort((a, b) => a.rank - b.rank).map(({ test }) => test);
    if (programOnly.includes(path)) return sorted;
    const close = sorted.filter((test) => !playsAll.test(test));
    return close.length > 0 ? close : sorted;
  };
}

/** The test of the same name comes first, then its folder's, then those that import it, directly or not. */
function rankOf(test: string, path: string, distance: number): number {
  const mirror = dirname(test).replace(/^__tests__/, "src");
  const sameFolder = mirror === dirname(path);
  if (sameFolder && basename(test).startsWith(`${basename(path, ".ts")}.`)) return 0;
  return distance + (sameFolder ? 0 : 10);
}

function distancesFrom(path: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, number> {
  const distances = new Map([[path, 0]]);
  for (const [file, distance] of distances) {
    for (const next of imports.get(file) ?? []) if (!distances.has(next)) distances.set(next, distance + 1);
  }
  return distances;
}
