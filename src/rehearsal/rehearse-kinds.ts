import type { Millis } from "../lib/duration.ts";
import type { Plan } from "../release/plan.ts";
import { chance } from "./chance.ts";
import { neverSeen, type Traffic } from "./detection.ts";
import { type PlayedEnd, play } from "./play.ts";

/** What became of all releases of one kind of canary. `rolledBack`, `held` and `released` are shares that sum to 1. */
export type RehearsedKind = {
  /** How many times as often as stable it fails. Missing: it fails every request. */
  readonly timesStable?: number | undefined;
  /** The share of its requests that fails. */
  readonly failing: number;
  readonly rolledBack: number;
  /** The part of `rolledBack` in which no gate failed: time ran out. */
  readonly late: number;
  readonly held: number;
  readonly released: number;
  /** Of those that were rolled back: half of them, and nine in ten, took no longer. */
  readonly untilRollback?: { readonly median: Millis; readonly p90: Millis } | undefined;
  /** Of those that were released: half of them took no longer. */
  readonly untilPromotion?: Millis | undefined;
  /** Failed requests of the canary in a release, on average. */
  readonly failedRequests: number;
  /** Those among them that stable would have answered. */
  readonly excess: number;
};

export type Rehearsals = { readonly runs: number; readonly seed: number };

/** As good as stable, two, five and ten times as bad, and dead. */
const kinds: readonly (number | undefined)[] = [1, 2, 5, 10, undefined];

/**
 * Rehearses releases of every kind of canary. Each kind meets the same requests, so that differences are the canary's
 * doing. `played` hears before each how many there were.
 */
export function rehearseKinds(
  plan: Plan,
  { rate, baseline }: Traffic,
  { runs, seed }: Rehearsals,
  played: (done: number, all: number) => void = () => {},
): readonly RehearsedKind[] {
  const next = chance(seed);
  const seeds = Array.from({ length: runs }, () => Math.floor(next() * 2 ** 32));
  const stable = Math.max(baseline, neverSeen);
  const { phi } = plan.evidence.settings.dispersion;
  return kinds.map((timesStable, index) => {
    const failing = timesStable === undefined ? 1 : Math.min(1, timesStable * stable);
    const endings = seeds.map((each, before) => {
      played(index * runs + before, kinds.length * runs);
      return play(plan, { rate, baseline: stable, failing, phi }, each);
    });
    return {
      timesStable,
      failing,
      ...summary(endings, 1 - stable / failing),
    };
  });
}

function summary(endings: readonly PlayedEnd[], excessive: number): Omit<RehearsedKind, "timesStable" | "failing"> {
  const part = (counts: (ending: PlayedEnd) => boolean): number => endings.filter(counts).length / endings.length;
  const times = (end: PlayedEnd["end"]): readonly Millis[] =>
    endings.flatMap((ending) => (ending.end === end ? [ending.after] : [])).sort((a, b) => a - b);
  const failedRequests = endings.reduce((sum, { failed }) => sum + failed, 0) / endings.length;
  const median = quantile(times("rolled-back"), 0.5);
  const p90 = quantile(times("rolled-back"), 0.9);
  const untilPromotion = quantile(times("released"), 0.5);
  return {
    rolledBack: part(({ end }) => end === "rolled-back"),
    late: part(({ late }) => late),
    held: part(({ end }) => end === "held"),
    released: part(({ end }) => end === "released"),
    untilRollback: median === undefined || p90 === undefined ? undefined : { median, p90 },
    untilPromotion,
    failedRequests,
    excess: failedRequests * excessive,
  };
}

const quantile = (ascending: readonly number[], part: number): number | undefined =>
  ascending[Math.ceil(part * ascending.length) - 1];

/** So many polls of each kind take some seconds. */
const enoughPolls = 240_000;

/** Fewer say too little. */
export const fewestRuns = 200;

/** Releases of each kind that are rehearsed when nobody says how many: a long plan has to do with fewer. */
export function usualRuns({ stages, pollEvery }: Plan): number {
  const polls = stages.reduce((sum, { wait }) => sum + wait, 0) / pollEvery;
  return Math.round(Math.min(2_000, Math.max(fewestRuns, enoughPolls / polls)));
}
