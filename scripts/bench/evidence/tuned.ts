import { defaults } from "../../../src/evidence/defaults.ts";
import { chance } from "../../../src/rehearsal/chance.ts";
import type { Judge } from "./judge.ts";
import { argo, type Comparison, flagger, interval, kayenta, type Limits, stageSeconds, type Usual } from "./peers.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { servedBy } from "./served.ts";
import { between, failureRate, quantile } from "./totals.ts";
import { polls, type Release } from "./world.ts";

/*
 * Peers as an expert of theirs would set them for a service: of all settings that blame at most 5% of its healthy
 * releases the one that serves the fewest bad requests of its bad ones. No expert knows the canary that is to come;
 * these were tuned with it.
 */

type Candidate = { readonly said: string; readonly judge: Judge };
export type Tuned = Candidate & {
  readonly tool: string;
  readonly service: string;
  /** Of healthy releases, those that were blamed while tuning. */
  readonly blamed: number;
};

const words: Readonly<Record<Limits["allowed"], string>> = {
  "plus one point": "one point above",
  "plus five points": "five points above",
  twice: "twice",
};

function limits(isTimed: boolean, delays: readonly number[]): readonly Limits[] {
  const all: Limits[] = [];
  for (const against of ["a figure", "stable"] as const)
    for (const allowed of ["plus one point", "twice", "plus five points"] as const)
      for (const range of [interval, 120, 300])
        for (const failures of [1, 3])
          for (const delay of delays)
            for (const slower of isTimed ? [1.25, 1.5, 2] : [2])
              all.push({ against, allowed, range, failures, delay, slower });
  return all;
}

const saidOf = ({ against, allowed, slower, range, failures, delay }: Limits, isTimed: boolean): string =>
  [
    `${words[allowed]} ${against === "stable" ? "stable by query" : "the usual"}`,
    ...(isTimed ? [`p99 ${slower} times`] : []),
    `[${range < 120 ? `${range}s` : `${range / 60}m`}]`,
    `${failures} failed`,
    ...(delay > 0 ? [`after ${delay / 60} min`] : []),
  ].join(", ");

const comparisons: readonly Comparison[] = [30, 60].flatMap((step) =>
  [60, stageSeconds].flatMap((judged) =>
    [1, 1.5].flatMap((increase) => [0, 120].map((delay) => ({ step, judged, increase, delay }))),
  ),
);

const comparisonSaid = ({ step, judged, increase, delay }: Comparison): string =>
  [
    `values of ${step}s`,
    `judged each ${judged === 60 ? "minute" : "5 minutes"}`,
    ...(increase > 1 ? [`beyond ${increase} times`] : []),
    ...(delay > 0 ? [`after ${delay / 60} min`] : []),
  ].join(", ");

function candidates(usual: Usual, isTimed: boolean): Readonly<Record<string, readonly Candidate[]>> {
  const of = (rule: typeof flagger, delays: readonly number[]): readonly Candidate[] =>
    limits(isTimed, delays).map((one) => ({ said: saidOf(one, isTimed), judge: rule(one, usual) }));
  return {
    Flagger: of(flagger, [0]),
    Argo: of(argo, [0, 120]),
    "Kayenta-style": comparisons.map((one) => ({ said: comparisonSaid(one), judge: kayenta(one) })),
  };
}

const tuned = new Map<string, readonly Tuned[]>();

/** Each peer's settings for a service, by so many releases; the same seed gives the same ones. */
export function tunedFor(service: string, seed: number, runs = 400): readonly Tuned[] {
  const known = tuned.get(service) ?? tune(service, seed, runs);
  tuned.set(service, known);
  return known;
}

function tune(service: string, seed: number, runs: number): readonly Tuned[] {
  const [quiet, ...rest] = scenarios.filter((one) => one.service === service);
  if (!quiet) throw new Error(`no scenario is of the service ${service}`);
  const healthy = drawn(quiet, seed, runs);
  const bad = rest
    .filter(({ right }) => right === "roll back")
    .map((one) => ({ scenario: one, releases: drawn(one, seed, runs / 4) }));
  const isTimed = (healthy[0]?.polls[0]?.stable.buckets.length ?? 0) > 0;
  return Object.entries(candidates(usualOf(healthy), isTimed)).map(([tool, all]) => {
    const tried = all.map((one) => ({ ...one, tool, service, blamed: blamedBy(one.judge, healthy) }));
    const bearable = tried.filter(({ blamed }) => blamed <= defaults.alpha);
    const [best] = bearable.length > 0 ? byValue(bearable, harmOf(bad)) : byValue(tried, ({ blamed }) => blamed);
    if (!best) throw new Error(`${tool} has no settings`);
    return best;
  });
}

const byValue = <T>(all: readonly T[], value: (one: T) => number): readonly T[] =>
  all
    .map((one) => ({ one, value: value(one) }))
    .sort((a, b) => a.value - b.value)
    .map(({ one }) => one);

const drawn = (scenario: Scenario, seed: number, runs: number): readonly Release[] => {
  const next = chance(seed + 1_000 * scenarios.indexOf(scenario) + 500);
  return Array.from({ length: runs / (scenario.slow ? 2 : 1) }, () => scenario.draw(next));
};

function usualOf(healthy: readonly Release[]): Usual {
  const all = healthy.map((release) => between(release, 0, polls).stable);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { failing: mean(all.map(failureRate)), p99: mean(all.map(({ buckets }) => quantile(buckets, 0.99))) };
}

const blamedBy = (judge: Judge, healthy: readonly Release[]): number =>
  healthy.filter((release) => judge(release).end === "rolled back").length / healthy.length;

/** The sum of logarithms, so that each scenario weighs the same however many requests it has. */
const harmOf =
  (bad: readonly { readonly scenario: Scenario; readonly releases: readonly Release[] }[]) =>
  ({ judge }: Candidate): number =>
    bad.reduce((sum, { scenario, releases }) => {
      const served = releases.reduce((all, release) => all + servedBy(release, judge(release), scenario.harm), 0);
      return sum + Math.log(0.5 + served / releases.length);
    }, 0);
