import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { defaults } from "../../../src/evidence/defaults.ts";
import { between } from "../../generate/between.ts";
import { clustersTable } from "./clusters-table.ts";
import { detectabilityTable } from "./detectability-table.ts";
import { frontierTable } from "./frontier-table.ts";
import { measure, type Row } from "./measure.ts";
import { drawPicture } from "./picture.ts";
import { scenarios } from "./scenarios.ts";
import { settingsTable, table } from "./table.ts";
import { tunedFor } from "./tuned.ts";
import { playUneven, type UnevenResult, unevenTable, unkept } from "./uneven-table.ts";

/*
 * npm run bench evidence [-- --short] [--runs N] [--seed N] [--only WORD] [--keep FILE] [--store] [--write]
 * --short: fewer releases, no peers, and two gates against what is stored beside this file. --keep: finished scenarios
 * are written to a file and not run again, so a full table can be made in parts. --store: keeps the figures of --short.
 * --uneven: the product's own stages in services whose pods differ; with --short after the other gates.
 * --detectability, --clusters: another table instead, of what a plan can find, or of how clustered failures are borne.
 * --frontier: one canary pod or three, with a margin or a second try. --picture: draws docs/evidence.svg. --write: puts
 * the table into docs/evidence.md, the frontier into its decision.
 */

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    detectability: { type: "boolean", default: false },
    clusters: { type: "boolean", default: false },
    uneven: { type: "boolean", default: false },
    frontier: { type: "boolean", default: false },
    picture: { type: "boolean", default: false },
    store: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    runs: { type: "string" },
    seed: { type: "string", default: "20261121" },
    only: { type: "string", default: "" },
    keep: { type: "string" },
  },
});

const stored = new URL("stored.json", import.meta.url);
const seed = Number(values.seed);
const started = performance.now();
const runsOr = (usual: number): number => Number(values.runs ?? usual);
const others = ["picture", "frontier", "detectability", "clusters", "uneven"] as const;
const other = others.find((name) => values[name]);

const rows = other ? [] : scenarios.filter(({ name }) => name.includes(values.only)).map(measured);
const uneven =
  values.uneven || values.short ? playUneven(runsOr(values.short ? 30 : 400), seed, values.only, ...keptRows()) : [];

const pages: Readonly<Record<(typeof others)[number] | "benchmark", () => string>> = {
  picture: drawPicture,
  frontier: () => frontierTable(runsOr(200), seed),
  detectability: () => detectabilityTable(runsOr(200), seed),
  clusters: () => clustersTable(runsOr(2_000), seed),
  uneven: () => unevenTable(uneven),
  benchmark: () => [...(values.short ? [] : [peersTable(), ""]), table(rows)].join("\n"),
};
const page = pages[other ?? "benchmark"]();
const how = `Seed ${seed}, ${new Date().toISOString().slice(0, 10)}, Node ${process.version.slice(1)}.`;
console.log(page);
console.log(`\n${how} ${((performance.now() - started) / 1_000).toFixed(0)}s at a load of ${loadavg()[0]?.toFixed(1)}`);
if (values.write) {
  const where = other === "frontier" ? "decisions/0029-three-pods-and-no-second-try.md" : "evidence.md";
  const file = new URL(`../../../docs/${where}`, import.meta.url);
  writeFileSync(file, between(readFileSync(file, "utf8"), other ?? "benchmark", `${page}\n\n${how}\n`));
}

const mine = Object.fromEntries(rows.map(({ scenario, ours }) => [scenario, Number(ours.served.toFixed(2))]));
if (values.store) writeFileSync(stored, `${JSON.stringify({ seed, served: mine }, undefined, 2)}\n`);
if (values.short) {
  const problems = [...falseAlarms(), ...(values.uneven ? [] : worse()), ...unkept(uneven)];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

function measured(scenario: (typeof scenarios)[number]): Row {
  const runs = Math.ceil(runsOr(values.short ? 120 : 2_000) / (scenario.slow ? 4 : 1));
  const same = (row: Row): boolean => row.scenario === scenario.name && row.seed === seed && row.runs === runs;
  const known = kept().find(same);
  const row = known ?? measure(scenario, scenarios.indexOf(scenario), seed, runs, values.short);
  if (values.keep && !known) appendFileSync(values.keep, `${JSON.stringify(row)}\n`);
  process.stderr.write(`${((performance.now() - started) / 1_000).toFixed(0)}s  ${scenario.name}\n`);
  return row;
}

/** Of services as they are, too, each finished row is kept. */
function keptRows(): [readonly UnevenResult[], (result: UnevenResult) => void] {
  const { keep } = values;
  if (!keep || !values.uneven) return [[], () => {}];
  const known = existsSync(keep) ? readFileSync(keep, "utf8").split("\n").filter(Boolean) : [];
  return [
    known.map((line): UnevenResult => JSON.parse(line)),
    (result) => appendFileSync(keep, `${JSON.stringify(result)}\n`),
  ];
}

function peersTable(): string {
  const services = [
    ...new Set(scenarios.filter(({ name }) => name.includes(values.only)).map(({ service }) => service)),
  ];
  return [
    "What each peer was set to for each service, and how many of 400 healthy releases (200 where draws take long) it rolled back so:",
    "",
    settingsTable(services.flatMap((service) => tunedFor(service, seed))),
  ].join("\n");
}

function kept(): readonly Row[] {
  if (!values.keep || !existsSync(values.keep)) return [];
  return readFileSync(values.keep, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line): Row => JSON.parse(line));
}

function falseAlarms(): readonly string[] {
  const healthy = scenarios.filter(({ right }) => right === "keep").map(({ name }) => name);
  return rows
    .filter(({ scenario, ours }) => healthy.includes(scenario) && ours.rolledBack > defaults.alpha)
    .map(
      ({ scenario, ours }) =>
        `${scenario}: ${(ours.rolledBack * 100).toFixed(1)}% of releases rolled back, at most ${defaults.alpha * 100}% may be`,
    );
}

function worse(): readonly string[] {
  const { served }: { readonly served: Readonly<Record<string, number>> } = JSON.parse(readFileSync(stored, "utf8"));
  const bad = scenarios.filter(({ right }) => right === "roll back").map(({ name }) => name);
  return rows
    .filter(({ scenario }) => bad.includes(scenario) && (mine[scenario] ?? 0) > 1.1 * (served[scenario] ?? 0))
    .map(
      ({ scenario }) =>
        `${scenario}: ${mine[scenario]} bad requests served, ${served[scenario]} are stored; more than 10% worse`,
    );
}
