import type { Settings } from "../evidence/defaults.ts";
import type { PodSpread } from "../evidence/pod-spread.ts";
import type { Millis } from "../lib/duration.ts";
import {
  type Course,
  type Detection,
  detection,
  neverSeen,
  type Step,
  smallestFound,
  type Traffic,
  timeToSafety,
} from "./detection.ts";
import type { ThinStage } from "./soundness.ts";

/** What a course of weights can find in the traffic of a service. */
export type Detectable = {
  /** Simulated releases of each kind of canary, and their seed. */
  readonly runs: number;
  readonly seed: number;
  /** The smallest regression that is found in at least 80% of releases. Missing: none is. */
  readonly smallest?: Detection | undefined;
  /** A canary that fails every request. */
  readonly dead: Detection;
  /** Until a canary as good as stable is proven safe, on average. Missing: 30 days are not enough. */
  readonly safeAfter?: Millis | undefined;
  /**
   * Where little or nothing is found: one stage that finds more, and the smallest regression that it finds or must
   * find.
   */
  readonly better?: (Step & { readonly ratio: number }) | undefined;
};

export type DetectableInTraffic = Detectable & {
  readonly traffic: Traffic;
  /** How much healthy pods differ, where that was asked. */
  readonly spread?: PodSpread | undefined;
  /** A stage at which good releases would be held. */
  readonly thin?: ThinStage | undefined;
};

/** The same of a service, or why nobody knows its traffic. */
export type Detectability = DetectableInTraffic | { readonly because: string };

/** A plan that finds so many times as many failures needs no advice. */
export const enough = 10;

const runs = 100;
const seed = 1;

/** A long course is played in longer polls: what is found hardly depends on them, and the time that it takes does. */
const mostPolls = 100;

const hour: Millis = 3_600_000;

/** Stages that find more and more (by w (1 − w) t), none longer than a job may last. */
const stronger: readonly Step[] = [0.5, 1, 2, 4].flatMap((hours) =>
  [25, 50].map((weight) => ({ weight, wait: hours * hour })),
);

export function detectable(course: Course, { rate, baseline }: Traffic, settings: Settings): Detectable {
  const traffic = { rate, baseline: Math.max(baseline, neverSeen) };
  const quick = withFewPolls(course);
  const smallest = smallestFound(quick, traffic, settings, runs, seed);
  const ratio = smallest?.ratio ?? Infinity;
  return {
    runs,
    seed,
    smallest,
    dead: deadCanary(course, traffic, settings),
    safeAfter: timeToSafety(course, traffic, settings),
    better: ratio > enough ? betterStep(course, ratio, traffic, settings) : undefined,
  };
}

const lengthOf = ({ steps }: Course): Millis => steps.reduce((sum, { wait }) => sum + wait, 0);

const withFewPolls = (course: Course): Course => ({
  ...course,
  pollEvery: Math.max(course.pollEvery, lengthOf(course) / mostPolls),
});

/** It is mostly found so soon that long polls would be most of the time that it takes. */
function deadCanary(course: Course, traffic: Traffic, settings: Settings): Detection {
  const soon = detection(beginningOf(course), traffic, 1 / traffic.baseline, settings, runs, seed);
  return soon.found === 1 ? soon : detection(withFewPolls(course), traffic, 1 / traffic.baseline, settings, runs, seed);
}

function beginningOf({ steps, pollEvery }: Course): Course {
  let left = mostPolls * pollEvery;
  const begun = steps.map(({ weight, wait }) => {
    const lasting = { weight, wait: Math.min(wait, left) };
    left -= lasting.wait;
    return lasting;
  });
  return { steps: begun.filter(({ wait }) => wait > 0), pollEvery };
}

/** The first stage that finds ten times as many failures, else the last one, where it finds more than the course. */
function betterStep(course: Course, ratio: number, traffic: Traffic, settings: Settings): Detectable["better"] {
  const alone = (step: Step): Course => withFewPolls({ steps: [step], pollEvery: course.pollEvery });
  const finds = (step: Step): boolean => detection(alone(step), traffic, enough, settings, runs, seed).found >= 0.8;
  let first: Step | undefined;
  for (let low = 0, high = stronger.length - 1; low <= high; ) {
    const middle = Math.floor((low + high) / 2);
    const step = stronger[middle];
    if (step && finds(step)) [first, high] = [step, middle - 1];
    else low = middle + 1;
  }
  if (first) return { ...first, ratio: enough };
  const last = stronger.at(-1);
  const found = last && smallestFound(alone(last), traffic, settings, runs, seed);
  return last && found && found.ratio < ratio ? { ...last, ratio: found.ratio } : undefined;
}
