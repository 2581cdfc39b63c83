import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { reliabilityReport } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import { simulate } from "./simulation.ts";
import { storyOf } from "./story.ts";
import { countTally, factsOf, type SeedFacts, tallyOf, tellTally } from "./tally.ts";

/**
 * main.ts --seeds N [--from S] [--jobs J]: N releases, each in a world of its own, in J threads; exit code 1 when an
 * invariant did not hold; with --report FILE the table of it all is written there. main.ts --seed S [--trace]: one of
 * them, and its story; with --trace every line of it.
 */
type Range = { readonly from: number; readonly to: number };

/** Stories of seeds that failed; the others can be asked for. */
const shown = 3;

/** Seeds that a thread plays before it asks for more: some seeds take longer than others. */
const atOnce = 20;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    report: { type: "string" },
    trace: { type: "boolean", default: false },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

async function playOne(seed: number): Promise<void> {
  const result = await simulate(scenarioOf(seed));
  console.log(storyOf(result, values.trace));
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}

async function playAll(): Promise<void> {
  const first = Number(values.from);
  const began = performance.now();
  const seeds = await inThreads(rangesOf(first, first + Number(values.seeds)), Number(values.jobs));
  const seconds = (performance.now() - began) / 1_000;
  const tally = tallyOf(seeds);
  for (const seed of tally.failed.slice(0, shown)) console.log(`${storyOf(await simulate(scenarioOf(seed)))}\n`);
  console.log(tellTally(tally));
  console.log(countTally(tally));
  console.error(speedOf(seeds, seconds));
  if (values.report !== undefined) writeFileSync(values.report, `${await reliabilityReport(tally)}\n`);
  process.exitCode = tally.failed.length > 0 ? 1 : 0;
}

function rangesOf(first: number, last: number): Range[] {
  const ranges: Range[] = [];
  for (let from = first; from < last; from += atOnce) ranges.push({ from, to: Math.min(last, from + atOnce) });
  return ranges;
}

/** What came of all seeds, in their order, whoever played them. */
async function inThreads(ranges: Range[], jobs: number): Promise<readonly SeedFacts[]> {
  const known: SeedFacts[] = [];
  await Promise.all(Array.from({ length: Math.min(jobs, ranges.length) }, () => inThread(ranges, known)));
  return known.sort((a, b) => a.seed - b.seed);
}

/** Most of the program runs a few times in each seed, and the collector would throw it away and compile it again. */
setFlagsFromString("--no-flush-bytecode");

/** Nearly all of a simulation is gone when the next one begins: with room for several the collector has little to copy. */
const resourceLimits = { maxYoungGenerationSizeMb: 96 };

/** A process has one set of timers, which simulations take for themselves: a thread has its own. */
const inThread = (ranges: Range[], known: SeedFacts[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: ranges.shift(), resourceLimits });
    thread.on("error", reject);
    thread.on("exit", () => resolve());
    thread.on("message", (played: readonly SeedFacts[]) => {
      known.push(...played);
      for (const { seed, violated } of played)
        if (violated.length > 0) console.error(`${seed}: ${violated.join("; ")}`);
      thread.postMessage(ranges.shift());
    });
  });

/** Only on stderr, since it is another one each time. */
function speedOf(seeds: readonly SeedFacts[], seconds: number): string {
  const commands = seeds.reduce((sum, each) => sum + each.commands, 0);
  const each = (count: number): string => (count / seconds).toFixed(1);
  return `${seconds.toFixed(1)}s: ${each(seeds.length)} seeds and ${each(commands)} commands a second`;
}

async function play({ from, to }: Range): Promise<void> {
  const played: SeedFacts[] = [];
  for (let seed = from; seed < to; seed++) played.push(factsOf(await simulate(scenarioOf(seed))));
  parentPort?.postMessage(played);
}

/** Of an error that many expect nobody reads from where it came; `--seed` shows it. */
function work(): void {
  Error.stackTraceLimit = 0;
  void play(workerData as Range);
  parentPort?.on("message", (range: Range | undefined) => void (range ? play(range) : parentPort?.close()));
}

if (!isMainThread) work();
else if (values.seed === undefined) await playAll();
else await playOne(Number(values.seed));
