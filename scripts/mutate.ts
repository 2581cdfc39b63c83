import { globSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { seeded } from "../sandbox/mesh/random.ts";
import { describe, type Mutant, mutantsOf } from "./mutate/mutants.ts";
import { placeOf, scoreBars } from "./mutate/score-bars.ts";
import { testChoice } from "./mutate/test-choice.ts";
import { type Trial, tryMutants } from "./mutate/trial.ts";
import { openWorkshop } from "./mutate/workshop.ts";
import { parseSource, type Source } from "./source.ts";

/**
 * npm run mutate -- [PLACE …]: puts small faults into the code, one at a time, and says which of them no test notices.
 * A PLACE is a folder, a file, or FILE:LINE. Without one: all of score-bars.ts. docs/testing.md says what it is for.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of each place only so many mutants, drawn by `seed`: the same ones, whatever other places are asked. */
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    /** `2/4`: the second quarter of the places, for machines that share the work. */
    part: { type: "string", default: "1/1" },
    /** How many mutants are tried at the same time. */
    jobs: { type: "string", default: String(availableParallelism()) },
    /** How many seconds of tests a mutant is worth, the nearest tests first. */
    budget: { type: "string", default: "60" },
  },
});

const parse = (pattern: string): readonly Source[] =>
  globSync(pattern)
    .sort()
    .map((path) => parseSource(path, readFileSync(path, "utf8")));

const product = parse("src/**/*.ts");
const tests = parse("__tests__/**/*.ts").filter(({ path }) => !path.startsWith("__tests__/e2e/"));
const testsFor = testChoice([...product, ...tests, ...parse("{sandbox,scripts}/**/*.ts")]);
const texts = new Map(product.map(({ path, text }) => [path, text]));

const byPlace = Map.groupBy(product.filter(isAsked).flatMap(mutantsIn), ({ path }) => placeOf(path) ?? path);
const [part = 1, parts = 1] = values.part.split("/").map(Number);
const ofPart = [...byPlace.values()].filter((_, index) => index % parts === part - 1);
const chosen = ofPart.flatMap((mutants) => sample(mutants));
if (byPlace.size === 0) throw new Error(`there is nothing to change in ${positionals.join(", ")}`);
console.log(`${chosen.length} mutants in ${new Set(chosen.map(({ path }) => path)).size} files`);

const workshops = Array.from({ length: Number(values.jobs) }, () => openWorkshop(".", entries()));
process.once("exit", () => {
  for (const workshop of workshops) workshop.close();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const { trials, notAsked } = await tryMutants(chosen, {
  workshops,
  testsFor,
  budget: Number(values.budget) * 1_000,
  told,
});
report(trials, notAsked);

function isAsked({ path }: Source): boolean {
  if (positionals.length === 0) return placeOf(path) !== undefined;
  return positionals.map(fileOf).some((place) => path === place || path.startsWith(`${place}/`));
}

function mutantsIn(source: Source): readonly Mutant[] {
  const mutants = mutantsOf(source);
  const lines = positionals.filter((place) => place.startsWith(`${source.path}:`)).map((place) => place.split(":")[1]);
  if (lines.length === 0) return mutants;
  return mutants.filter(({ start }) => lines.includes(String(source.lineAt(start) + 1)));
}

/** A place as it is typed, `src/engine/` or `src/engine/run.ts:12`. */
function fileOf(place: string): string {
  return place.replace(/:\d+$/, "").replace(/\/$/, "");
}

function sample(mutants: readonly Mutant[]): readonly Mutant[] {
  if (values.sample === undefined) return mutants;
  const random = seeded(Number(values.seed));
  const drawn = mutants.map((mutant) => ({ mutant, at: random() })).sort((a, b) => a.at - b.at);
  return drawn.slice(0, Number(values.sample)).map(({ mutant }) => mutant);
}

/** What a workshop needs a copy of. */
function entries(): readonly string[] {
  return readdirSync(".").filter((entry) => entry !== ".git" && entry !== "node_modules");
}

function told({ mutant, outcome }: Trial, done: number): void {
  if (outcome === "survived") console.log(`  survived ${describe(texts.get(mutant.path) ?? "", mutant)}`);
  if (done % 10 === 0) console.log(`  ${done} of ${chosen.length}`);
}

/** Exit code 1 when a place is below its bar. */
function report(trials: readonly Trial[], notAsked: readonly string[]): void {
  const survivors = trials.filter(({ outcome }) => outcome === "survived").map(({ mutant }) => mutant);
  console.log(`\nSurvivors: ${survivors.length === 0 ? "none" : survivors.length}`);
  for (const mutant of [...survivors].sort((a, b) => a.path.localeCompare(b.path) || a.start - b.start)) {
    console.log(`  ${describe(texts.get(mutant.path) ?? "", mutant)}`);
  }
  if (notAsked.length > 0) {
    console.log(
      `\nNot asked, because they take longer than the budget or fail without a mutant: ${notAsked.join(", ")}`,
    );
  }
  console.log(`\n${"".padEnd(40)}mutants   noticed      hung     score       bar`);
  for (const [place, inside] of Map.groupBy(trials, ({ mutant }) => placeOf(mutant.path) ?? mutant.path)) {
    const noticed = inside.filter(({ outcome }) => outcome !== "survived").length;
    const hung = inside.filter(({ outcome }) => outcome === "hung").length;
    const score = (100 * noticed) / inside.length;
    const bar = scoreBars.find(([name]) => name === place)?.[1] ?? 0;
    if (score < bar) process.exitCode = 1;
    const cells = [inside.length, noticed, hung, `${score.toFixed(1)}%`, `${bar}%`];
    console.log(
      place.padEnd(37) + cells.map((cell) => String(cell).padStart(10)).join("") + (score < bar ? "  ✖" : ""),
    );
  }
}
