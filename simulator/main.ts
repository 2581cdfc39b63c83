import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { reliabilityReport } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import { type Result, simulate } from "./simulation.ts";
import { storyOf } from "./story.ts";
import { factsOf, type Tally, tallyOf, tellTally } from "./tally.ts";

/**
 * main.ts --seeds N [--from S] [--workers W]: N releases, each in a world of its own; exit code 1 when an invariant did
 * not hold; with --report FILE the table of it all is written there. main.ts --seed S [--trace]: one of them, and its story; with --trace every line of it.
 */
type Range = { readonly from: number; readonly to: number };

/** Stories of seeds that failed; the others can be asked for. */
const shown = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    report: { type: "string" },
    trace: { type: "boolean", default: false },
    workers: { type: "string", default: String(availableParallelism()) },
  },
});

async function playOne(seed: number): Promise<void> {
  const result = await simulate(scenarioOf(seed));
  console.log(storyOf(result, values.trace));
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}

async function playAll(): Promise<void> {
  const first = Number(values.from);
  const last = first + Number(values.seeds);
  const workers = Math.min(Number(values.workers), last - first);
  const share = Math.ceil((last - first) / workers);
  const ranges = Array.from({ length: workers }, (_, index) => ({
    from: first + index * share,
    to: Math.min(last, first + (index + 1) * share),
  }));
  const began = performance.now();
  const tallies = await Promise.all(ranges.map(inWorker));
  const seconds = (performance.now() - began) / 1_000;
  const tally = tallyOf(tallies.flatMap(({ seeds }) => seeds));
  for (const seed of tally.failed.slice(0, shown)) console.log(`${storyOf(await simulate(scenarioOf(seed)))}\n`);
  console.log(tellTally(tally, seconds));
  if (values.report !== undefined) writeFileSync(values.report, `${await reliabilityReport(tally)}\n`);
  process.exitCode = tally.failed.length > 0 ? 1 : 0;
}

/** A process has one set of timers, which simulations take for themselves: a thread has its own. */
const inWorker = (range: Range): Promise<Tally> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: range });
    worker.once("message", resolve);
    worker.once("error", reject);
  });

async function work({ from, to }: Range): Promise<void> {
  const results: Result[] = [];
  for (let seed = from; seed < to; seed++) results.push({ ...(await simulate(scenarioOf(seed))), story: [] });
  parentPort?.postMessage(tallyOf(results.map(factsOf)));
}

if (!isMainThread) await work(workerData as Range);
else if (values.seed === undefined) await playAll();
else await playOne(Number(values.seed));
