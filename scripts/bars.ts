import { globSync, readFileSync } from "node:fs";
import { beyond } from "./bars/limits.ts";
import { type Figures, figuresOf, neighboursOf, per1000, quantile } from "./bars/measure.ts";
import { parseSource, type Source } from "./source.ts";

/**
 * bars.ts [--check] [FOLDER]: how the code of FOLDER (default src) is written, by folder and in all, and what is beyond
 * the bars. With --check only the latter, and exit code 1 when there is anything.
 * The bars are a mirror, not the aim: the aim is that a stranger reads a file once and could change it.
 */
const args = process.argv.slice(2);
const checkOnly = args.includes("--check");
const root = args.find((arg) => !arg.startsWith("--")) ?? "src";

const titles = [
  "",
  "files",
  "lines",
  "ternaries /1000",
  "conditional spreads /1000",
  "lines > 120",
  "functions",
  "p50",
  "p90",
  "longest",
];

const sources = globSync(`${root}/**/*.ts`)
  .sort()
  .map((path) => parseSource(path, readFileSync(path, "utf8")));
const neighbours = neighboursOf(sources);

const problems = beyond(figuresOf(sources), neighbours);

if (!checkOnly) {
  printTable(sources);
  printList("Files named alike", neighbours.namedAlike);
  printList("Files with one importer and under 25 lines", neighbours.small);
}
printList("Type names that mean two things", neighbours.typesTwice);
printList("Rings of files that import each other, types included", neighbours.cycles);
printList("Beyond the bars", problems);
if (checkOnly && problems.length > 0) process.exitCode = 1;

function printTable(sources: readonly Source[]): void {
  const folders = Map.groupBy(sources, ({ path }) => folderOf(path));
  const rows = [...folders].map(([folder, inside]) => row(folder, figuresOf(inside)));
  for (const [name = "", ...figures] of [titles, ...rows, row("all", figuresOf(sources))]) {
    const cells = figures.map((figure, at) => figure.padStart((titles[at + 1]?.length ?? 0) + 2));
    console.log(name.padEnd(28) + cells.join(""));
  }
}

/** Adapters have a folder each. */
function folderOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, folders[1] === "adapters" ? 3 : 2).join("/");
}

function row(name: string, { files, lines, ternaries, conditionalSpreads, longLines, functions }: Figures): string[] {
  return [
    name,
    String(files),
    String(lines),
    per1000(ternaries, lines).toFixed(1),
    per1000(conditionalSpreads, lines).toFixed(1),
    `${((100 * longLines) / lines).toFixed(1)}%`,
    String(functions.length),
    String(quantile(functions, 0.5)),
    String(quantile(functions, 0.9)),
    String(functions.at(-1) ?? 0),
  ];
}

function printList(title: string, items: readonly string[]): void {
  console.log(`\n${title}: ${items.length === 0 ? "none" : items.length}`);
  for (const item of items) console.log(`  ${item}`);
}
