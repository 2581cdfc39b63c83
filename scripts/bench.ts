import { spawn } from "node:child_process";
import { loadavg } from "node:os";
import { calls } from "./bench/calls.ts";
import { memory } from "./bench/memory.ts";
import { size } from "./bench/size.ts";
import { start } from "./bench/start.ts";

/** One measured figure. `limit` is what it may be at most; a figure without one is only told. */
export type Figure = { readonly what: string; readonly value: number; readonly unit: string; readonly limit?: number; readonly how?: string };

/** What needs nothing but this machine. The mesh and the evidence have programs of their own, because they take longer. */
const suites: Readonly<Record<string, () => Promise<readonly Figure[]>>> = { size, calls, start, memory };
const programs: Readonly<Record<string, string>> = { mesh: "__tests__/e2e/bench.ts", evidence: "scripts/bench/evidence/main.ts" };

const [word, ...args] = process.argv.slice(2);
const program = word === undefined ? undefined : programs[word];
process.exitCode = program === undefined ? await measure(word) : await hand(program, args);

/** `npm run bench` measures all suites, `npm run bench start` one of them. */
async function measure(only: string | undefined): Promise<number> {
  const chosen = Object.entries(suites).filter(([name]) => only === undefined || only === name);
  if (chosen.length === 0) throw new Error(`no benchmark is called ${only}; there are ${[...Object.keys(suites), ...Object.keys(programs)].join(", ")}`);
  const figures: Figure[] = [];
  for (const [, suite] of chosen) figures.push(...(await suite()));
  print(figures);
  return figures.every(isWithin) ? 0 : 1;
}

function isWithin({ value, limit }: Figure): boolean {
  return limit === undefined || value <= limit;
}

function print(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    isWithin(figure) ? "✔" : "✖",
    figure.what,
    `${Number(figure.value.toPrecision(3))} ${figure.unit}`.trim(),
    figure.limit === undefined ? "" : `≤ ${Number(figure.limit.toPrecision(3))}`,
    figure.how ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(
    `\nLoad of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")} (times grow with it; counts and sizes do not).`,
  );
}

function hand(file: string, rest: readonly string[]): Promise<number> {
  return new Promise((resolve) =>
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file, ...rest], { stdio: "inherit" }).once("exit", (code) => resolve(code ?? 1)),
  );
}
