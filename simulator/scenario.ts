import type { Millis } from "../src/lib/duration.ts";
import { type Chance, chanceOf } from "./chance.ts";
import { type Disturbance, drawDisturbance, halfNumbers, ruleActs } from "./disturbance.ts";
import type { Routing } from "./routing.ts";

/** How the canary comes to be, and what becomes of it. */
export const shapes = [
  "existing-swap",
  "existing-update",
  "clone-swap",
  "clone-update",
  "manifests-swap",
  "manifests-update",
] as const;
export type Shape = (typeof shapes)[number];

/** Whose requests get the canary before everybody else's. */
export type Testing = {
  /** Known by a header that they send, or by the labels of their own pods. */
  readonly by: "header" | "callers";
  /** At first nobody else's do. */
  readonly alone: boolean;
  /** What is done to their requests meanwhile. */
  readonly drill: "delay" | "abort" | undefined;
};

/** Everything that a seed decides before its world begins. Plain data, from which the world follows. */
export type Scenario = {
  readonly seed: number;
  readonly shape: Shape;
  /** By what requests are divided. */
  readonly routing: Routing;
  /** Its tag says how it behaves. */
  readonly image: string;
  readonly gates: "own" | "auto";
  readonly testing: Testing | undefined;
  readonly stages: readonly { readonly weight: number; readonly wait: Millis; readonly approval: boolean }[];
  /** Between two scrapes, and two looks. */
  readonly interval: Millis;
  readonly drain: Millis;
  readonly replicas: number;
  /** The autoscaler's, of stable's Deployment. */
  readonly autoscaled: boolean;
  /** From the making of a pod until it is ready. */
  readonly podStart: Millis;
  /** The longest that the mesh lags behind. */
  readonly meshLag: Millis;
  /** One way to any of the APIs. */
  readonly latency: { readonly least: Millis; readonly most: Millis };
  /** How many Prometheus replicas stand behind the one address. */
  readonly prometheuses: 1 | 2;
  /** How long after the first one the second scrapes. */
  readonly apart: Millis;
  /** How many requests of stable's the callers' proxy had counted before the world began, and how many of them failed. */
  readonly life: { readonly requests: number; readonly failed: number };
  /** Whether the job's second step settles what the first one left; otherwise somebody rolls it back by hand. */
  readonly inAction: boolean;
  /** What the first job's clock shows beyond the API server's. */
  readonly skew: Millis;
  readonly github: boolean;
  readonly disturbances: readonly Disturbance[];
};

const second = 1_000;

export function scenarioOf(seed: number): Scenario {
  const chance = chanceOf(`scenario ${seed}`);
  const scenario = drawScenario(seed, chance);
  const far = chance.stream("apart");
  // Prometheus spreads its scrapes over the interval by what it scrapes and by its own external labels.
  return far.happens(0.5) ? { ...scenario, apart: Math.round(scenario.interval * far.between(0.1, 0.9)) } : scenario;
}

function drawScenario(seed: number, chance: Chance): Scenario {
  const shape = shapeFor(chance);
  const routing = chance.stream("routing").happens(0.2) ? "HTTPRoute" : "VirtualService";
  const testers = chance.stream("testers");
  const testing = testingFor(testers, routing);
  const gates = chance.happens(0.5) ? "own" : "auto";
  const slow = chance.happens(0.3);
  return {
    seed,
    shape,
    routing,
    testing,
    gates,
    image: imageFor(chance, gates),
    stages: stagesFor(chance),
    interval: chance.pick([5, 10, 15]) * second,
    drain: chance.pick([5, 5, 10]) * second,
    replicas: chance.pick([1, 2, 3]),
    autoscaled: chance.happens(0.1),
    podStart: Math.round(chance.between(0.3, 4) * second),
    meshLag: Math.round(chance.between(0, 2) * second),
    latency: slow ? { least: 20, most: chance.pick([60, 200, 600]) } : { least: 1, most: 10 },
    prometheuses: chance.happens(0.15) ? 2 : 1,
    apart: Math.round(chance.between(0.5, 2) * second),
    life: lifeFor(chance.stream("life")),
    inAction: chance.happens(0.6),
    skew: Math.round(chance.pick([0, 0, 0, 0, 0, 0, 3, 60, 600]) * second * chance.between(-1, 1)),
    github: chance.happens(0.1),
    disturbances: [
      ...Array.from({ length: chance.pick([0, 1, 1, 1, 1, 2, 2, 3]) }, () => drawDisturbance(chance)).map(
        regretted(chance.stream("regret")),
      ),
      ...undoFor(chance.stream("undo")),
      ...lateWeightFor(chance.stream("late weight")),
      ...halfNumbersFor(chance.stream("half numbers")),
      ...rivalsFor(chance.stream("rivals")),
      ...ruleActsFor(testers, testing),
    ],
  };
}

/** One in which nothing happens, to begin with. */
export const plainScenario: Scenario = {
  seed: 1,
  shape: "existing-swap",
  routing: "VirtualService",
  image: "registry.example/reviews:v2",
  gates: "own",
  testing: undefined,
  stages: [{ weight: 20, wait: 20 * second, approval: false }],
  interval: 5 * second,
  drain: 5 * second,
  replicas: 2,
  autoscaled: false,
  podStart: second,
  meshLag: second,
  latency: { least: 1, most: 10 },
  prometheuses: 1,
  apart: 0,
  life: { requests: 0, failed: 0 },
  inAction: true,
  skew: 0,
  github: false,
  disturbances: [],
};

const repository = "registry.example/reviews";
export const imageOf = (tag: string): string => `${repository}:${tag}`;

/** Somebody regrets what was released, in some seeds, and undoes it. */
function undoFor(chance: Chance): readonly Disturbance[] {
  if (!chance.happens(0.1)) return [];
  const when = { phase: "succeeded", delay: Math.round(chance.between(0.1, 20) * second) };
  return [{ by: "job", act: "undoes the release", skew: 0, when }];
}

/** Somebody rolls back while a weight is on its way, in some seeds: by themselves the two hardly ever meet. */
function lateWeightFor(chance: Chance): readonly Disturbance[] {
  if (!chance.happens(0.03)) return [];
  const phase = chance.pick(["shifting/routing", "shifting/routing", "promoting/finishing"]);
  const delay = Math.round(chance.between(0.05, 1) * second);
  return [
    {
      by: "network",
      link: "kubernetes",
      act: "held back",
      of: "route write",
      times: 1,
      share: 1,
      lasts: 600 * second,
      when: { phase, delay: 0 },
    },
    { by: "job", act: "rolls back by hand", skew: 0, when: { phase, delay } },
  ];
}

/** Two who roll back at the same moment, in some seeds: one of them takes the lock while the other one saves. */
function rivalsFor(chance: Chance): readonly Disturbance[] {
  if (!chance.happens(0.02)) return [];
  const phase = chance.pick(["baking", "baking", "promoting"]);
  const delay = Math.round(chance.between(0, 6) * second);
  const back = (later: Millis): Disturbance => ({
    by: "job",
    act: "rolls back by hand",
    skew: 0,
    when: { phase, delay: delay + later },
  });
  return [back(0), back(Math.round(chance.between(0, 60)))];
}

/** Some services are new, and others have had millions of requests, and a bad day. */
function lifeFor(chance: Chance): Scenario["life"] {
  if (chance.happens(0.3)) return plainScenario.life;
  const requests = Math.round(10 ** chance.between(3, 7));
  return { requests, failed: Math.round(requests * chance.pick([0, 0.001, 0.02])) };
}

/** What is no number is dangerous where it was never one: from before the canary's first request on. */
function halfNumbersFor(chance: Chance): readonly Disturbance[] {
  if (!chance.happens(0.03)) return [];
  const lasts = Math.round(chance.between(20, 200) * second);
  return [{ by: "prometheus", act: halfNumbers, lasts, when: { phase: "shifting", delay: 0 } }];
}

/** A route of the Gateway API knows neither who calls nor faults. */
function testingFor(chance: Chance, routing: Routing): Testing | undefined {
  if (!chance.happens(0.2)) return undefined;
  const by = chance.pick(["header", "header", "callers"]);
  const alone = chance.happens(0.7);
  const drill = chance.pick([undefined, "delay", "abort"]);
  if (routing === "HTTPRoute") return { by: "header", alone, drill: undefined };
  return { by, alone, drill: alone ? drill : undefined };
}

/** Somebody lays hands on the rule for testers, in some seeds. */
function ruleActsFor(chance: Chance, testing: Testing | undefined): readonly Disturbance[] {
  if (testing === undefined || !chance.happens(0.25)) return [];
  const phase = chance.pick(["shifting", "baking", "baking", "promoting"]);
  const when = { phase, delay: Math.round(chance.between(0.1, 8) * second) };
  return [{ by: "person", act: chance.pick(ruleActs), when }];
}

/** Who deleted what requests need mostly notices, and has it in Git. */
const regretted =
  (chance: Chance) =>
  (disturbance: Disturbance): Disturbance => {
    const isNeeded = disturbance.act === "deletes the route" || disturbance.act === "deletes what the route names";
    if (!isNeeded || chance.happens(0.3)) return disturbance;
    return { ...disturbance, until: Math.round(chance.between(2, 90) * second) };
  };

function shapeFor(chance: Chance): Shape {
  const there = chance.pick(["existing-swap", "existing-update", "clone-swap", "clone-update"]);
  const brought = chance.stream("manifests");
  return brought.happens(0.15) ? brought.pick(["manifests-swap", "manifests-update"]) : there;
}

/** That a version is slow only evidence shows: nobody set it a limit. */
function imageFor(chance: Chance, gates: Scenario["gates"]): string {
  const bad = chance.pick(["err60", "err60", "err30", "die15", "stuck"]);
  if (chance.happens(0.55)) return imageOf("v2");
  const slow = gates === "auto" && chance.stream("slow").happens(0.2);
  return imageOf(slow ? "v2-slow800" : `v2-${bad}`);
}

const plans: readonly [
  readonly (readonly [weight: number, wait: number])[],
  ...(readonly (readonly [number, number])[])[],
] = [
  [[20, 30]],
  [
    [10, 20],
    [50, 20],
  ],
  [[30, 40]],
  [
    [25, 20],
    [100, 20],
  ],
  [
    [5, 20],
    [40, 30],
  ],
];

function stagesFor(chance: Chance): Scenario["stages"] {
  const approval = chance.happens(0.12);
  return chance
    .pick(plans)
    .map(([weight, wait], index) => ({ weight, wait: wait * second, approval: approval && index === 0 }));
}
