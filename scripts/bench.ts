import { spawn } from "node:child_process";
import { calls } from "./bench/calls.ts";
import { type Figure, printFigures } from "./bench/figure.ts";
import { memory } from "./bench/memory.ts";
import { rehearsal } from "./bench/rehearsal.ts";
import { size } from "./bench/size.ts";
import { start } from "./bench/start.ts";

/** What needs nothing but this machine. The mesh and the evidence have programs of their own, because they take longer. */
const suites: Readonly<Record<string, () => Promise<readonly Figure[]>>> = { size, calls, start, memory, rehearsal };
const programs: Readonly<Record<string, string>> = {
  mesh: "__tests__/e2e/bench.ts",
  evidence: "scripts/bench/evidence/main.ts",
  faults: "scripts/bench/faults/main.ts",
};

const [word, ...args] = process.argv.slice(2);
const program = word === undefined ? undefined : programs[word];
process.exitCode = program === undefined ? await measure(word) : await hand(program, args);

/** `npm run bench` measures all suites, `npm run bench start` one of them. */
async function measure(only: string | undefined): Promise<number> {
  const chosen = Object.entries(suites).filter(([name]) => only === undefined || only === name);
  if (chosen.length === 0)
    throw new Error(
      `no benchmark is called ${only}; there are ${[...Object.keys(suites), ...Object.keys(programs)].join(", ")}`,
    );
  const figures: Figure[] = [];
  for (const [, suite] of chosen) figures.push(...(await suite()));
  return printFigures(figures) ? 0 : 1;
}

function hand(file: string, rest: readonly string[]): Promise<number> {
  return new Promise((resolve) =>
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file, ...rest], { stdio: "inherit" }).once(
      "exit",
      (code) => resolve(code ?? 1),
    ),
  );
}
