import type { Millis } from "../src/lib/duration.ts";
import type { Chance } from "./chance.ts";
import type { Link } from "./network.ts";

/** When something is done: so long after the first release began, or after its journal first named a phase. */
export type When = { readonly phase?: string | undefined; readonly delay: Millis };

/** Something that happens to a release from outside. */
export type Disturbance = { readonly when: When } & (
  | NetworkDisturbance
  /** `until`: what was deleted is there again so long after. */
  | { readonly by: "person"; readonly act: PersonAct; readonly until?: Millis | undefined }
  | { readonly by: "process"; readonly act: ProcessAct; readonly lasts: Millis }
  | { readonly by: "job"; readonly act: JobAct; readonly skew: Millis }
  | { readonly by: "prometheus"; readonly act: PrometheusAct; readonly lasts: Millis }
);

/** What goes wrong on the way to one of the APIs: with the next requests that are meant, or with some of a while. */
export type NetworkDisturbance = {
  readonly by: "network";
  readonly link: Link;
  readonly act: NetworkAct;
  readonly of: Requests;
  /** How many requests; Infinity for all while it lasts. */
  readonly times: number;
  /** The share of the requests that are meant. */
  readonly share: number;
  readonly lasts: Millis;
};

/** Which requests to the API server are meant, by what they are about. */
export type Requests = "any" | "lease" | "journal" | "route write" | "route read" | "workload" | "write";

export const networkActs = [
  "held back",
  "answered late",
  "request lost",
  "answer lost",
  "request swallowed",
  "answer swallowed",
  "doubled",
  "answered 429",
  "answered 500",
  "answered 503",
  "answered 504 after it was applied",
  "answered 409",
  "answered 422",
  "answered 401",
  "answered 403",
  "answered without JSON",
  "answered stale",
  "refused",
] as const;
export type NetworkAct = (typeof networkActs)[number];

export const personActs = [
  "edits the weights",
  "puts the route back",
  "puts the route back again and again",
  "changes a time-out",
  "changes the canary's image",
  "changes stable's image",
  "scales the canary to 0",
  "deletes the canary",
  "scales stable",
  "deletes the route",
  "deletes what the route names",
  "deletes the journal",
  "deletes the lease",
] as const;
/** What is done to the rule for testers, where a release has added one. */
export const ruleActs = ["takes the testers' rule away", "gives the testers' rule to stable"] as const;
export type PersonAct = (typeof personActs)[number] | (typeof ruleActs)[number];

export const processActs = ["killed", "frozen", "interrupted"] as const;
export type ProcessAct = (typeof processActs)[number];

export const jobActs = [
  "rolls back by hand",
  "releases another version",
  "promotes",
  "is a twin of the first",
] as const;
export type JobAct = (typeof jobActs)[number] | "undoes the release";

export const prometheusActs = [
  "does not scrape",
  "answers nothing",
  "answers NaN",
  "answers negative numbers",
  "answers fractions",
  "loses its proxy's counters",
] as const;
export type PrometheusAct = (typeof prometheusActs)[number] | typeof halfNumbers;

/** A recording rule, or a proxy, that is wrong about one version alone: its scrapes go on. */
export const halfNumbers = "answers NaN for the canary alone";

export const nameOf = (disturbance: Disturbance | NetworkDisturbance): string => {
  if (disturbance.by !== "network") return `${disturbance.by}: ${disturbance.act}`;
  const { link, act, of, lasts, times } = disturbance;
  const forever = times === Infinity && lasts > 3_600_000 ? " for ever" : "";
  return `${link}: ${act}${of === "any" ? "" : ` (${of})`}${forever}`;
};

/** The same, whichever requests were meant: what a table has a row for. */
export const kindOf = (disturbance: Disturbance): string => nameOf(disturbance).replace(/ \([^)]*\)/, "");

const phases = [
  "preparing",
  "shifting",
  "baking",
  "baking",
  "baking",
  "promoting",
  "promoting",
  "rolling-back",
] as const;
const second = 1_000;

export function drawDisturbance(chance: Chance): Disturbance {
  const when = drawWhen(chance);
  const by = chance.pick(["network", "network", "network", "person", "person", "process", "job", "job", "prometheus"]);
  switch (by) {
    case "network":
      return { when, ...drawNetwork(chance) };
    case "person":
      return { when, by, act: chance.pick(personActs) };
    case "process":
      return { when, by, act: chance.pick(processActs), lasts: Math.round(chance.between(5, 50) * second) };
    case "job":
      return { when, by, act: chance.pick(jobActs), skew: chance.pick([0, 0, 0, -40, 25, 40]) * second };
    case "prometheus":
      return { when, by, act: chance.pick(prometheusActs), lasts: Math.round(chance.between(5, 60) * second) };
  }
}

function drawWhen(chance: Chance): When {
  const delay = Math.round(chance.pick([0.2, 1, 4, 20]) * second * chance.next());
  return chance.happens(0.2)
    ? { delay: Math.round(chance.between(0, 90) * second) }
    : { phase: chance.pick(phases), delay };
}

function drawNetwork(chance: Chance): NetworkDisturbance {
  if (chance.happens(0.05)) return drawLastingNetwork(chance);
  const link = chance.pick(["kubernetes", "kubernetes", "kubernetes", "prometheus", "github"]);
  const act = chance.pick(networkActs);
  const of = link === "kubernetes" ? chance.pick(requests) : "any";
  const outage = act === "refused" || chance.happens(0.25);
  const lasts = Math.round(chance.pick([4, 12, 45]) * second * chance.between(0.3, 1));
  if (!outage) return { by: "network", link, act, of, times: chance.pick([1, 1, 2]), share: 1, lasts: 600 * second };
  return { by: "network", link, act, of: "any", times: Infinity, share: chance.pick([0.3, 1]), lasts };
}

/** It never ends: a permission that was taken away, a journal that has no room left, an API server that is gone. */
const drawLastingNetwork = (chance: Chance): NetworkDisturbance => ({
  by: "network",
  link: "kubernetes",
  act: chance.pick(["answered 403", "answered 503", "refused"]),
  of: chance.pick(["journal", "write", "any"]),
  times: Infinity,
  share: 1,
  lasts: 7_200 * second,
});

const requests: readonly [Requests, ...Requests[]] = [
  "any",
  "lease",
  "journal",
  "route write",
  "route write",
  "route read",
  "workload",
  "write",
];
