import type { Millis } from "../lib/duration.ts";
import type { EvidenceRules, Gate } from "./gate.ts";
import type { Testers } from "./testers.ts";

/** What is done to the requests of testers, and of nobody else, on their way to the canary. */
export type Drill = { readonly delay: Millis } | { readonly abort: number };

/** Users stay on the version that answered them first, by a cookie whose values mean nothing in another release. */
export type Affinity = { readonly cookie: string; readonly release: string };

/** One step of a plan: a weight, the time it lasts, and the gates that must hold. */
export type Stage = {
  readonly name: string;
  /** The canary's share in whole percents, 1 to 100; 0 where it gets requests without one: those of testers. */
  readonly weight: number;
  /** The time the stage lasts at least. */
  readonly wait: Millis;
  /** The time the stage lasts at most; when gates still wait then, the release rolls back, or is held, and says so. */
  readonly deadline: Millis;
  readonly gates: readonly Gate[];
  /** After this stage the job ends as `waiting`, and the release goes on when somebody runs `promote`. */
  readonly approval: boolean;
  /** For as long as it lasts. */
  readonly drill?: Drill | undefined;
  /** The part of the requests, in whole percents, of which the canary gets a copy; nobody gets its answers. */
  readonly mirror?: number | undefined;
};

/** Everything that was decided before the release began. Plain data: the journal stores it as it is. */
export type Plan = {
  readonly stages: readonly Stage[];
  /** Their requests get the canary from the first stage on until the end: of each of them, if everything in it holds. */
  readonly testers?: readonly Testers[] | undefined;
  /** While both versions have a part of the requests. */
  readonly affinity?: Affinity | undefined;
  readonly evidence: EvidenceRules;
  /** Between two looks at gates, pods and routes; the scrape interval of Prometheus. */
  readonly pollEvery: Millis;
  /** How long a version may take to become available. */
  readonly ready: Millis;
  /** Between a version's becoming ready and its first traffic: proxies learn of new pods and subsets a little later. */
  readonly meshDelay: Millis;
  /** `proxies`: whether they have learnt of it is read from them, and the delay is how long that is awaited at most. */
  readonly confirm?: "proxies" | "settle" | undefined;
  /** Between taking a version's traffic away and taking its pods. */
  readonly drain: Millis;
  /** For the whole release, without the time it waits for somebody; later, it rolls back. */
  readonly deadline: Millis;
  /** How long a cluster that does not answer is borne before the release rolls back, or says that it cannot. */
  readonly patience: Millis;
  /** `swap`: the canary becomes stable. `update`: stable gets the canary's image and the traffic back. */
  readonly promotion: "swap" | "update";
  /** After a swap: the old version is scaled to zero, or kept as it is. */
  readonly keepOld: boolean;
  /** Kept for so long, and then scaled to zero by whoever comes next. Missing: for good. */
  readonly keepFor?: Millis | undefined;
  /** When somebody else changes the weights: write ours again (twice at most), or roll back. */
  readonly drift: "put-back" | "rollback";
};

/** Some stage sends copies of requests to the canary. */
export const isMirrored = ({ stages = [] }: Partial<Pick<Plan, "stages">>): boolean =>
  stages.some(({ mirror }) => mirror !== undefined);

/** What a release brings into its routes besides weights. */
export type BesideWeights = Partial<Pick<Plan, "testers" | "affinity" | "stages">>;

/** What a reason says of a plan without stages: that of an undo, and of a first release. */
export const atOnce = ({ stages }: Pick<Plan, "stages">): { readonly atOnce?: true } =>
  stages.length === 0 ? { atOnce: true } : {};

/** Throws a RangeError where the plan has no such stage. */
export function stageAt({ stages }: Pick<Plan, "stages">, index: number): Stage {
  const stage = stages[index];
  if (!stage) throw new RangeError(`the plan has ${stages.length} stages, and none with the index ${index}`);
  return stage;
}
