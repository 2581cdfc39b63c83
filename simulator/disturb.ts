import type { Labels } from "../sandbox/prometheus/value.ts";
import type { Config } from "../src/config/config.ts";
import type { Millis } from "../src/lib/duration.ts";
import { type Crew, shell } from "./crew.ts";
import {
  type Disturbance,
  halfNumbers,
  type JobAct,
  type NetworkDisturbance,
  nameOf,
  type PersonAct,
  type ProcessAct,
  type PrometheusAct,
} from "./disturbance.ts";
import type { Running } from "./jobs.ts";
import { imagesGiven, somebodyAt } from "./person.ts";
import type { SimulatedPrometheus } from "./prometheus.ts";
import { imageOf } from "./scenario.ts";
import type { Scene } from "./scene.ts";
import { type Names, namesOf } from "./shop.ts";

const second = 1_000;

/** Sees to it that each disturbance of the scenario comes when its time comes, or the phase that it waits for. */
export function disturb(scene: Scene, crew: Crew, other: Config): void {
  const acts = actsIn(scene, crew, other);

  function begin(disturbance: Disturbance): void {
    if (disturbance.by === "process" && firstJob(crew) === undefined) return;
    scene.note(`▶ ${nameOf(disturbance)}`);
    scene.happened.push({ disturbance, at: scene.timeline.now() });
    acts(disturbance);
  }

  for (const disturbance of scene.scenario.disturbances) {
    const { phase, delay } = disturbance.when;
    let expected = true;
    const expect = (now: string): void => {
      if (!expected || !now.startsWith(phase ?? "")) return;
      expected = false;
      crew.later(delay, () => begin(disturbance));
    };
    if (phase === undefined) expect("");
    else scene.onPhase(expect);
  }
}

const firstJob = (crew: Crew): Running | undefined => crew.alive().find(({ place }) => place.name.startsWith("job"));

function actsIn(scene: Scene, crew: Crew, other: Config): (disturbance: Disturbance) => void {
  const { scenario, cluster, watch, weather, prometheuses } = scene;
  const people = somebodyAt(cluster, scenario);
  const processes = processActs(scene, crew);
  const jobs = jobActs(crew, other);

  function person(act: PersonAct): void {
    people.acts[act]();
    const given = imagesGiven[act];
    if (given) watch.rebase({ deployment: namesOf(scenario)[given.to].deployment, image: imageOf(given.tag) });
    const isRepeated = act === "puts the route back again and again";
    if (isRepeated && crew.alive().length > 0) crew.later(10 * second, () => person(act));
  }

  function bringBack(): void {
    scene.note("somebody brings back what was deleted");
    watch.excuse(0);
    people.bringBack();
  }

  function lie(act: PrometheusAct, on: boolean): void {
    for (const each of prometheuses) lies[act](each, on, scene);
  }

  return (disturbance) => {
    switch (disturbance.by) {
      case "network":
        weather.begin(disturbance);
        watch.excuse(excuseFor(disturbance));
        break;
      case "person":
        watch.excuse(0);
        person(disturbance.act);
        if (disturbance.until !== undefined) crew.later(disturbance.until, bringBack);
        break;
      case "process":
        processes[disturbance.act](firstJob(crew), disturbance.lasts);
        break;
      case "job":
        jobs[disturbance.act](disturbance.skew);
        break;
      case "prometheus":
        watch.excuse(disturbance.lasts);
        lie(disturbance.act, true);
        crew.later(disturbance.lasts, () => lie(disturbance.act, false));
    }
  };
}

/** One request may take its client's whole patience; a while takes as long as it lasts. */
const excuseFor = ({ times, lasts }: NetworkDisturbance): Millis => (Number.isFinite(times) ? 20 * second : lasts);

function processActs(
  { watch }: Scene,
  crew: Crew,
): Readonly<Record<ProcessAct, (running: Running | undefined, lasts: Millis) => void>> {
  return {
    killed: (running) => running && crew.kill(running),
    frozen(running, lasts) {
      running?.process.freeze();
      const resume = watch.excuseUntil();
      crew.later(lasts, () => {
        resume();
        running?.process.thaw();
      });
    },
    interrupted: (running) => running?.interrupt(),
  };
}

const jobActs = (crew: Crew, other: Config): Readonly<Record<JobAct, (skew: Millis) => void>> => ({
  "rolls back by hand": (skew) => crew.run(shell("somebody", skew), "rollback"),
  "releases another version": (skew) =>
    crew.run({ name: "job 2", runId: "4712", runner: "runner-2", skew }, "release", other),
  "undoes the release": (skew) => crew.run(shell("somebody who regrets", skew), "undo"),
  promotes: (skew) => crew.run(shell("somebody", skew), "promote"),
  "is a twin of the first": (skew) => crew.run({ name: "job 1b", runId: "4711", runner: "runner-3", skew }, "release"),
});

const lies: Readonly<Record<PrometheusAct, (each: SimulatedPrometheus, on: boolean, scene: Scene) => void>> = {
  "does not scrape": (each, on) => each.pause(on),
  "answers nothing": (each, on) => each.lie(on ? () => undefined : undefined),
  "answers NaN": (each, on) => each.lie(on ? () => Number.NaN : undefined),
  [halfNumbers]: (each, on, { scenario }) =>
    each.lie(on ? (value, labels) => (isOf(namesOf(scenario).canary, labels) ? Number.NaN : value) : undefined),
  "answers negative numbers": (each, on) => each.lie(on ? (value) => -value : undefined),
  "answers fractions": (each, on) => each.lie(on ? (value) => value + 0.5 : undefined),
  "loses its proxy's counters": (_, on, { mesh }) => on && mesh.restartProxy(),
};

/** A counter of its requests. Times of scrapes come without the reporter. */
const isOf = ({ deployment }: Names["canary"], labels: Labels): boolean =>
  "reporter" in labels && labels.destination_workload === deployment;
