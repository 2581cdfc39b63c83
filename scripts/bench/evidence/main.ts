import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { defaults } from "../../../src/evidence/defaults.ts";
import { clustersTable } from "./clusters-table.ts";
import { detectabilityTable } from "./detectability-table.ts";
import { measure, type Row } from "./measure.ts";
import { scenarios } from "./scenarios.ts";
import { table } from "./table.ts";
import { playUneven, unevenTable, unkept } from "./uneven-table.ts";

/*
 * npm run bench evidence [-- --short] [--runs N] [--seed N] [--only WORD] [--keep FILE] [--store]
 * --short: fewer releases, and two gates against what is stored beside this file. --keep: finished scenarios are written
 * to a file and not run again, so a full table can be made in parts. --store: keeps the figures of --short.
 * --uneven: the product's own stages in services whose pods differ; with --short after the other gates.
 * --detectability, --clusters: another table instead, of what a plan can find, or of how clustered failures are borne.
 */

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    detectability: { type: "boolean", default: false },
    clusters: { type: "boolean", default: false },
    uneven: { type: "boolean", default: false },
    store: { type: "boolean", default: false },
    runs: { type: "string" },
    seed: { type: "string", default: "20261121" },
    only: { type: "string", default: "" },
    keep: { type: "string" },
  },
});

const stored = new URL("stored.json", import.meta.url);
const seed = Number(values.seed);
const started = performance.now();
const rows = scenarios.flatMap((scenario, index) => {
  if (values.detectability || values.clusters || values.uneven || !scenario.name.includes(values.only)) return [];
  const runs = Math.ceil(Number(values.runs ?? (values.short ? 120 : 2_000)) / (scenario.slow ? 4 : 1));
  const row =
    kept().find((one) => one.scenario === scenario.name && one.seed === seed && one.runs === runs) ??
    measure(scenario, index, seed, runs);
  if (values.keep && !kept().some((one) => one.scenario === row.scenario && one.seed === seed && one.runs === runs))
    appendFileSync(values.keep, `${JSON.stringify(row)}\n`);
  process.stderr.write(`${((performance.now() - started) / 1_000).toFixed(0)} s  ${scenario.name}\n`);
  return [row];
});

const uneven =
  values.uneven || values.short ? playUneven(Number(values.runs ?? (values.short ? 30 : 400)), seed, values.only) : [];

if (values.detectability) console.log(detectabilityTable(Number(values.runs ?? 200), seed));
else if (values.uneven) console.log(unevenTable(uneven));
else if (values.clusters) console.log(clustersTable(Number(values.runs ?? 2_000), seed));
else console.log(table(rows));
console.log(
  `\nseed ${seed} · ${((performance.now() - started) / 1_000).toFixed(0)} s · load ${loadavg()[0]?.toFixed(1)} · Node ${process.version}`,
);

const mine = Object.fromEntries(rows.map(({ scenario, ours }) => [scenario, Number(ours.served.toFixed(2))]));
if (values.store) writeFileSync(stored, `${JSON.stringify({ seed, served: mine }, undefined, 2)}\n`);
if (values.short) {
  const problems = [...falseAlarms(), ...(values.uneven ? [] : worse()), ...unkept(uneven)];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
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
        `${scenario}: ${(ours.rolledBack * 100).toFixed(1)} % of releases rolled back, at most ${defaults.alpha * 100} % may be`,
    );
}

function worse(): readonly string[] {
  const { served }: { readonly served: Readonly<Record<string, number>> } = JSON.parse(readFileSync(stored, "utf8"));
  const bad = scenarios.filter(({ right }) => right === "roll back").map(({ name }) => name);
  return rows
    .filter(({ scenario }) => bad.includes(scenario) && (mine[scenario] ?? 0) > 1.1 * (served[scenario] ?? 0))
    .map(
      ({ scenario }) =>
        `${scenario}: ${mine[scenario]} bad requests served, ${served[scenario]} are stored; more than 10 % worse`,
    );
}
