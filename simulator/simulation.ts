import type { Config } from "../src/config/config.ts";
import type { Millis } from "../src/lib/duration.ts";
import { chanceOf } from "./chance.ts";
import { configOf } from "./command.ts";
import { crewOf } from "./crew.ts";
import { disturb } from "./disturb.ts";
import type { Disturbance } from "./disturbance.ts";
import { atEnd } from "./end.ts";
import { imageOf, type Scenario } from "./scenario.ts";
import { type Meddle, sceneOf } from "./scene.ts";
import { configurationOf } from "./shop.ts";
import { timelineFrom } from "./timeline.ts";
import { onTimersOf } from "./timers.ts";
import type { Violation } from "./watch.ts";

/** What came of a seed. */
export type Result = {
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  /** What really happened of what was to happen. */
  readonly happened: readonly Disturbance[];
  /** The longest time that a bad version had requests. */
  readonly exposure: Millis;
  readonly commands: number;
  readonly story: readonly string[];
};

const second = 1_000;
const start = Date.UTC(2026, 0, 1);

/**
 * Plays a scenario to its end. Simulations take the process's timers: one at a time.
 * @param meddle what becomes of a request besides what the scenario has for it
 */
export async function simulate(scenario: Scenario, meddle: Meddle = () => ({})): Promise<Result> {
  const chance = chanceOf(`world ${scenario.seed}`);
  const usual = await load(scenario, scenario.image);
  const other = scenario.disturbances.some(isOfAnother) ? await load(scenario, imageOf("v4")) : usual;
  const timeline = timelineFrom(start);
  const story: string[] = [];
  const note = (text: string): void => void story.push(`${clockText(timeline.now() - start)}  ${text}`);
  const scene = sceneOf(scenario, chance, timeline, { note, meddle });
  const crew = crewOf(scene, chance.stream("people"), usual);
  crew.later(chance.between(20, 30) * second, () => {
    disturb(scene, crew, other);
    const runId = scenario.inAction ? "4711" : undefined;
    crew.run({ name: "job 1", runId, runner: "runner-1", skew: scenario.skew }, "release");
  });
  const giveBack = scenario.github ? onTimersOf(timeline) : () => {};
  await timeline.run(crew.isOver);
  giveBack();
  atEnd(scene);
  const { watch, happened } = scene;
  return {
    scenario,
    violations: watch.violations,
    happened: happened.map(({ disturbance }) => disturbance),
    exposure: watch.exposure().whole,
    commands: crew.commands(),
    story,
  };
}

const isOfAnother = ({ act }: Disturbance): boolean => act === "releases another version";

const clockText = (at: Millis): string => `${(at / 1_000).toFixed(2).padStart(8)}s`;

/** GitHub is slow to simulate, so it is told in some seeds only. */
async function load(scenario: Scenario, image: string): Promise<Config> {
  const config = await configOf(configurationOf(scenario, image));
  const githubToken = scenario.github ? "simulated-token" : undefined;
  return { ...config, reporting: { ...config.reporting, githubToken } };
}
