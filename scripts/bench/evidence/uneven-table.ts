import { defaults } from "../../../src/evidence/defaults.ts";
import { dispersionOf } from "../../../src/evidence/dispersion.ts";
import { lastingDifference, type PodSpread, podSpreadOf } from "../../../src/evidence/pod-spread.ts";
import { wilson } from "../../../src/evidence/wilson.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import { type PlayedEnd, playBefore } from "../../../src/rehearsal/play.ts";
import type { Plan } from "../../../src/release/plan.ts";
import { even, type UnevenMesh, type UnevenService, unevenMesh } from "./uneven-mesh.ts";

/*
 * Releases as the product plays them, by `decide()` and its own stages, in services whose pods are scraped each at its
 * own moment, differ, come and go cold, and meet outages. `open`: a row whose promise is not kept yet.
 */

type UnevenRow = {
  readonly name: string;
  readonly service: Partial<UnevenService>;
  readonly right: "keep" | "roll back";
  readonly open?: true;
};

const minute: Millis = 60_000;
const typical = { median: 40, spread: 0.8 };
/** All of it between two of Envoy's edges, 100 and 250ms, also where it takes twice as long. */
const narrow = { median: 112, spread: 0.02 };
const growing = (weight: number): number => Math.max(1, Math.ceil(weight / 10));
const keep = (name: string, service: Partial<UnevenService>): UnevenRow => ({ name, service, right: "keep" });
const open = (name: string, service: Partial<UnevenService>): UnevenRow => ({ ...keep(name, service), open: true });
const bad = (name: string, service: Partial<UnevenService>): UnevenRow => ({ name, service, right: "roll back" });
const outage = (lag: Millis, zone = false) => ({ failing: 0.3, lag, zone });

const unevenRows: readonly UnevenRow[] = [
  keep("10 stable pods", {}),
  keep("3 stable pods", { stablePods: 3 }),
  keep("1 stable pod", { stablePods: 1 }),
  keep("counted by callers", { counter: "callers" }),
  keep("200 requests/s", { rate: 200 }),
  keep("5 requests/s", { rate: 5 }),
  keep("2 requests/s", { rate: 2 }),
  open("1 request/s", { rate: 1 }),
  open("0.2 requests/s", { rate: 0.2 }),
  keep("5% of scrapes lost", { lost: 0.05 }),
  keep("20% of scrapes lost", { lost: 0.2 }),
  keep("outage on both at once", { outage: outage(0) }),
  keep("outage, 5s earlier on the canary", { outage: outage(5_000) }),
  keep("outage, 15s earlier on the canary", { outage: outage(15_000) }),
  keep("outage in the canary's zone", { outage: outage(0, true) }),
  keep("new pods fail 5% in a minute", {
    canaryPods: growing,
    cold: { lasts: minute, failing: 0.05, slower: 1 },
  }),
  keep("new pods take 3 times as long in a minute", {
    canaryPods: growing,
    times: typical,
    cold: { lasts: minute, failing: 0, slower: 3 },
  }),
  open("pods take twice as long for five minutes", {
    times: typical,
    cold: { lasts: 5 * minute, failing: 0, slower: 2 },
  }),
  keep("outage in the canary's zone, 3 canary pods", { outage: outage(0, true), canaryPods: () => 3 }),
  keep("rate and failures grow", { drift: (time) => ({ rate: 1 + time / 1.2e6, failing: 1 + time / 6e5 }) }),
  keep("tried again on other pods", { retried: true }),
  keep("20 connections a caller", { connections: 20, baseline: 0.0005 }),
  open("half of stable's requests beside the route", { rate: 5, direct: 5 }),
  keep("a tenth of stable's requests beside the route", { direct: 5 }),
  open("4 connections a caller", { connections: 4, baseline: 0.0005 }),
  keep("pods differ, errors by cv 0.3", { cv: 0.3 }),
  keep("pods differ, errors by cv 0.5", { cv: 0.5 }),
  keep("pods differ, errors by cv 1", { cv: 1 }),
  keep("pods differ, errors by cv 0.5, 3 canary pods", { cv: 0.5, canaryPods: () => 3 }),
  keep("pods differ, errors by cv 0.5, 5 canary pods", { cv: 0.5, canaryPods: () => 5 }),
  keep("pods differ, errors by cv 0.5, 3 stable pods", { cv: 0.5, stablePods: 3 }),
  keep("pods differ, errors by cv 0.5, 1 stable pod", { cv: 0.5, stablePods: 1 }),
  keep("pods differ, errors by cv 0.5, 5/s", { cv: 0.5, rate: 5 }),
  keep("pods differ, errors by cv 0.5, 200/s", { cv: 0.5, rate: 200 }),
  keep("response times", { times: typical }),
  keep("pods differ, times by σ 0.05", { times: typical, sigma: 0.05 }),
  keep("pods differ, times by σ 0.2", { times: typical, sigma: 0.2 }),
  keep("pods differ, times by σ 0.3", { times: typical, sigma: 0.3 }),
  keep("pods differ, times by σ 0.2, 3 canary pods", { times: typical, sigma: 0.2, canaryPods: () => 3 }),
  keep("pods differ, times by σ 0.2, 3 stable pods", { times: typical, sigma: 0.2, stablePods: 3 }),
  keep("pods differ, times by σ 0.2, 1 stable pod", { times: typical, sigma: 0.2, stablePods: 1 }),
  keep("response times within a bucket", { times: narrow }),
  keep("within a bucket, pods differ by σ 0.05", { times: narrow, sigma: 0.05 }),
  keep("within a bucket, pods differ by σ 0.2", { times: { ...narrow, median: 160 }, sigma: 0.2 }),
  keep("1ms more, across an edge", { times: { median: 24.5, spread: 0.005 }, slower: 25.5 / 24.5 }),
  keep("a tenth more, across an edge", { times: { median: 9.5, spread: 0.005 }, slower: 1.1 }),
  bad("2 times the failures", { worse: 2 }),
  bad("5 times the failures", { worse: 5 }),
  bad("2 times, 3 stable pods", { worse: 2, stablePods: 3 }),
  bad("2 times, 1 stable pod", { worse: 2, stablePods: 1 }),
  bad("5 times, 1 stable pod", { worse: 5, stablePods: 1 }),
  bad("5 times, 5 requests/s", { worse: 5, rate: 5 }),
  bad("10 times the failures", { worse: 10 }),
  bad("50% fail", { worse: 100 }),
  bad("5 times, cv 0.5", { worse: 5, cv: 0.5 }),
  bad("10 times, cv 0.5", { worse: 10, cv: 0.5 }),
  bad("2 times, 200/s", { worse: 2, rate: 200 }),
  bad("1.5 times as slow", { times: typical, slower: 1.5 }),
  bad("2 times as slow, σ 0.1", { times: typical, slower: 2, sigma: 0.1 }),
  bad("2 times as slow, σ 0.2", { times: typical, slower: 2, sigma: 0.2 }),
  bad("5 times, cv 0.5, 3 canary pods", { worse: 5, cv: 0.5, canaryPods: () => 3 }),
  bad("2 times as slow", { times: typical, slower: 2 }),
  bad("2 times as slow, within a bucket", { times: narrow, slower: 2 }),
  bad("2 times as slow, within a bucket, 3 canary pods", { times: narrow, slower: 2, canaryPods: () => 3 }),
  bad("1.5 times as slow, within a bucket, 3 canary pods", { times: narrow, slower: 1.5, canaryPods: () => 3 }),
  bad("2 times as slow, σ 0.2, 3 canary pods", { times: typical, slower: 2, sigma: 0.2, canaryPods: () => 3 }),
];

/** What has to be found in every release. */
const plain: readonly string[] = ["5 times the failures", "50% fail", "2 times as slow"];

export type UnevenResult = {
  readonly row: UnevenRow;
  readonly runs: number;
  readonly rolledBack: number;
  readonly held: number;
  readonly minutes: number | undefined;
  readonly failed: number;
};

/** `known`: rows that were played before, which are not played again; `played` is told of every other one. */
export const playUneven = (
  runs: number,
  seed: number,
  only: string,
  known: readonly UnevenResult[] = [],
  played: (result: UnevenResult) => void = () => {},
): readonly UnevenResult[] =>
  unevenRows
    .filter(({ name }) => name.includes(only))
    .map((row) => {
      const before = known.find((result) => result.row.name === row.name && result.runs === runs);
      if (before) return before;
      const endings = Array.from({ length: runs }, (_, run) =>
        playOnce({ ...even, ...row.service }, seed + 7_919 * run),
      );
      const result = { row, runs, ...summary(endings) };
      played(result);
      return result;
    });

function playOnce(service: UnevenService, seed: number): PlayedEnd {
  const { plan, mesh } = measured(service, seed);
  return playBefore(plan, mesh);
}

/** A release about to begin: what is known of the hour before is in its plan. */
export function measured(service: UnevenService, seed: number): { readonly plan: Plan; readonly mesh: UnevenMesh } {
  const mesh = unevenMesh(service, seed);
  const { rates } = lastingDifference(mesh.before);
  const phi = Math.min(10, dispersionOf(mesh.before, rates));
  return { plan: planWith(phi, podSpreadOf(mesh.before, mesh.slowBefore)), mesh };
}

const planWith = (phi: number, podSpread: PodSpread): Plan => ({
  stages: [5, 10, 25, 50].map((weight) => ({
    name: `${weight}%`,
    weight,
    wait: 5 * minute,
    deadline: 15 * minute,
    gates: [{ kind: "evidence", name: "auto" }],
    approval: false,
  })),
  evidence: {
    settings: { ...defaults, dispersion: { kind: "tempered", phi }, podSpread },
    measured: true,
    inconclusive: "extend",
    noData: "extend",
    early: false,
  },
  pollEvery: minute / 4,
  ready: minute,
  meshDelay: 0,
  drain: 0,
  deadline: 100 * minute,
  patience: minute,
  promotion: "swap",
  keepOld: false,
  drift: "put-back",
});

export function summary(endings: readonly PlayedEnd[]) {
  const part = (wanted: PlayedEnd["end"]): number =>
    endings.filter(({ end }) => end === wanted).length / endings.length;
  const times = endings.flatMap(({ end, after }) => (end === "rolled-back" ? [after] : [])).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  return {
    rolledBack: part("rolled-back"),
    held: part("held"),
    minutes: median === undefined ? undefined : median / minute,
    failed: endings.reduce((sum, { failed }) => sum + failed, 0) / endings.length,
  };
}

/** Promises that are not kept: of healthy canaries surely more than 1 in 20 are blamed, or a plain failure is missed. */
export const unkept = (results: readonly UnevenResult[]): readonly string[] =>
  results.flatMap(({ row, runs, rolledBack, held }) => {
    const surely = (part: number): number => wilson(Math.round(part * runs), runs)?.low ?? 0;
    const told = `${row.name}: ${percent(rolledBack)} rolled back, ${percent(held)} held`;
    if (plain.includes(row.name)) return rolledBack < 1 ? [`${told}; all must be found`] : [];
    if (row.right !== "keep" || row.open) return [];
    return surely(rolledBack) > 0.05 || surely(held) > 0.05 ? [`${told}; 5% of each may be`] : [];
  });

export const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;

export const unevenTable = (results: readonly UnevenResult[]): string =>
  [
    "| service | right | rolled back | held | median minutes until then | bad requests |",
    "|---|---|---|---|---|---|",
    ...results.map(
      ({ row: { name, right, open }, rolledBack, held, minutes, failed }) =>
        `| ${name} | ${open ? "keep (open)" : right} | ${percent(rolledBack)} | ${percent(held)} | ${minutes?.toFixed(1) ?? "—"} | ${failed.toFixed(1)} |`,
    ),
  ].join("\n");
