import type { Chance } from "../../../src/rehearsal/chance.ts";
import { throughCounters } from "./counters.ts";
import { play, pollSeconds, pollsPerStage, type Release, type ResponseTimes, type World } from "./world.ts";

/** One line of the table. */
export type Scenario = {
  readonly name: string;
  /** Which service is released: the first scenario of each is a healthy canary and a quiet day, by which tools are set. */
  readonly service: string;
  /** What a perfect judge would do; undefined where opinions may differ. */
  readonly right?: "keep" | "roll back" | "hold";
  /** What its harm is counted in. */
  readonly harm: "failed" | "all";
  /** Draws take longer, so there are fewer. */
  readonly slow: boolean;
  readonly draw: (next: Chance) => Release;
};

const always = (rate: number) => (): number => rate;
const usual = "0.5%";
const scenario = (name: string, right: Scenario["right"], world: World, service = usual): Scenario => ({
  name,
  service,
  ...(right ? { right } : {}),
  harm: world.latency ? "all" : "failed",
  slow: world.latency !== undefined,
  draw: (next) => play(world, next),
});

const percent = (rate: number): string => `${Number((rate * 100).toPrecision(3))}%`;
const steady = (rate: number, stable: number, canary: number): Scenario =>
  scenario(
    `${stable === canary ? `healthy at ${percent(stable)}` : `${percent(stable)} → ${percent(canary)}`}${rate === 50 ? "" : `, ${rate} requests/s`}`,
    stable === canary ? "keep" : "roll back",
    {
      rate,
      stable: always(stable),
      canary: always(canary),
    },
    `${percent(stable)}${rate === 50 ? "" : `, ${rate} requests/s`}`,
  );

/** A minute with 20% failures on both versions, in the middle of a stage. */
function incident(stage: number): Scenario {
  const rate = (poll: number): number =>
    Math.floor(poll / pollsPerStage) === stage &&
    poll % pollsPerStage >= 8 &&
    poll % pollsPerStage < 8 + 60 / pollSeconds
      ? 0.2
      : 0.005;
  return scenario(`incident on both versions in stage ${stage + 1}`, "keep", { rate: 50, stable: rate, canary: rate });
}

const typical: ResponseTimes = { median: 40, spread: 0.8 };
const thin: ResponseTimes = { median: 60, spread: 0.2 };
const timed = (name: string, right: Scenario["right"], stable: ResponseTimes, slower: number): Scenario =>
  scenario(
    name,
    right,
    { rate: 50, stable: always(0.005), canary: always(0.005), latency: { stable, slower } },
    `response times${stable === thin ? ", thin tails" : ""}`,
  );

const counted = (name: string, restarts: number, stable: number, canary: number): Scenario => ({
  name,
  service: `${percent(stable)}, counted raw`,
  right: stable === canary ? "keep" : "roll back",
  harm: "failed",
  slow: true,
  draw: (next) =>
    throughCounters(play({ rate: 50, stable: always(stable), canary: always(canary) }, next), restarts, next),
});

export const scenarios: readonly Scenario[] = [
  ...[0.001, 0.005, 0.01, 0.03, 0.2].map((rate) => steady(50, rate, rate)),
  steady(2, 0.005, 0.005),
  steady(0.2, 0.005, 0.005),
  ...[0, 1, 2, 3].map(incident),
  scenario(
    "healthy at 0.5%, failures in clusters of 3",
    "keep",
    { rate: 50, stable: always(0.005), canary: always(0.005), cluster: 3 },
    "0.5%, in clusters",
  ),
  scenario(
    "cold start: 5% in the first minute",
    "keep",
    { rate: 50, stable: always(0.005), canary: (poll) => (poll < 60 / pollSeconds ? 0.05 : 0.005) },
    "0.5%, cold starts",
  ),
  counted("healthy at 0.5%, pods restart, counted raw", 2, 0.005, 0.005),
  counted("healthy at 0.01%, new series, counted raw", 0, 0.0001, 0.0001),
  timed("as fast as stable", "keep", typical, 1),
  timed("as fast as stable, thin tails", "keep", thin, 1),
  steady(50, 0.001, 0.005),
  steady(50, 0.001, 0.01),
  steady(50, 0.001, 0.5),
  steady(50, 0.005, 0.02),
  steady(50, 0.005, 0.05),
  steady(50, 0.005, 0.5),
  steady(50, 0.01, 0.011),
  steady(50, 0.01, 0.02),
  steady(50, 0.03, 0.06),
  steady(2, 0.005, 0.05),
  steady(0.2, 0.005, 0.5),
  scenario(
    "0.5% → 5%, failures in clusters of 3",
    "roll back",
    { rate: 50, stable: always(0.005), canary: always(0.05), cluster: 3 },
    "0.5%, in clusters",
  ),
  scenario("0.5%, 50% from minute 16", "roll back", {
    rate: 50,
    stable: always(0.005),
    canary: (poll) => (poll < 64 ? 0.005 : 0.5),
  }),
  counted("0.01% → 0.5%, new series, counted raw", 0, 0.0001, 0.005),
  timed("1.1 times as slow", undefined, typical, 1.1),
  timed("1.3 times as slow", "roll back", typical, 1.3),
  timed("2 times as slow", "roll back", typical, 2),
  timed("1.3 times as slow, thin tails", "roll back", thin, 1.3),
  scenario("3 times the planned traffic", "roll back", {
    rate: 50,
    stable: always(0.005),
    canary: always(0.005),
    canaryTraffic: 3,
  }),
  scenario("a third of the planned traffic", "hold", {
    rate: 50,
    stable: always(0.005),
    canary: always(0.005),
    canaryTraffic: 1 / 3,
  }),
];
