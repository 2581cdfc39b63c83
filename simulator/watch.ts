import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Change } from "../sandbox/api-server/store.ts";
import type { Instant, Millis } from "../src/lib/duration.ts";
import type { ReleaseRecord } from "../src/release/release-record.ts";
import { namespace, type SimulatedCluster } from "./cluster.ts";
import { isBad, isOnlySlow } from "./image.ts";
import type { Served, Traffic } from "./mesh.ts";
import { overwritesOf } from "./overwrites.ts";
import {
  type Caller,
  canaryPercent,
  isWhole,
  letsTestersIn,
  routeIn,
  routeKinds,
  routeText,
  sharesBy,
} from "./routing.ts";
import type { Timeline } from "./timeline.ts";

/** What must hold in every simulation; the names are those of ARCHITECTURE.md. */
export const invariants = [
  "no weight that no journal named",
  "no bad version in traffic for longer than the fault at hand",
  "no bad version promoted",
  "no pod retired under traffic",
  "stable alone or the promoted version alone at the end",
  "nothing of the user's changed",
  "no good release lost to a fault shorter than patience",
  "what is told agrees with the store",
  "no weight of somebody else's is written over without a word",
  "no request is counted twice",
  "rollback by hand gets the release",
  "the program ends",
  "no defect",
] as const;
export type Invariant = (typeof invariants)[number];

export type Violation = { readonly invariant: Invariant; readonly at: Instant; readonly text: string };

/** Which version may have all the traffic when nothing is going on. */
export type Base = { readonly deployment: string; readonly image: string };

export interface Watch {
  readonly violations: readonly Violation[];
  /** What the journal says now. */
  readonly journal: () => ReleaseRecord | undefined;
  readonly base: () => Base;
  /** Weights of somebody else's that a job wrote over, and no journal says so. */
  readonly untold: () => string | undefined;
  violate(invariant: Invariant, text: string): void;
  /** From now on, for so long, a bad version may stay in traffic: nobody can do anything about it. */
  excuse(lasts: Millis): void;
  /** Nobody is there who could, until the answer is called. */
  excuseUntil(): () => void;
  onTraffic(traffic: Traffic): void;
  /**
   * The longest time that a bad version had requests, or nobody although stable has pods; with and without what there is
   * an excuse for.
   */
  readonly exposure: () => { readonly whole: Millis; readonly unexcused: Millis };
  /** Somebody gave a Deployment another image: where it is the one that may serve, that is what may. */
  rebase(changed: Base): void;
}

export type WatchOptions = {
  readonly timeline: Timeline;
  readonly cluster: SimulatedCluster;
  readonly base: Base;
  readonly callers: readonly Caller[];
  /** How long a bad version may have requests when nothing stands in the way. */
  readonly bound: Millis;
  /** Who writes at this moment. */
  readonly writer: () => "job" | "somebody else";
  readonly onJournal: (record: ReleaseRecord | undefined) => void;
  readonly note: (text: string) => void;
};

/** After a fault is gone, a client comes back within its longest pause, and looks again. */
export const recovery: Millis = 15_000;

export function watchOver(options: WatchOptions): Watch {
  const { timeline, cluster, writer, note } = options;
  const violations: Violation[] = [];
  const told = new Set<string>();
  let record: ReleaseRecord | undefined;
  let { base } = options;
  let earlier = base;
  /** What served last, where stable was changed when it had no requests any more. */
  let servedLast: Base | undefined;
  let bad: { readonly since: Instant } | undefined;
  let longest = { whole: 0, unexcused: 0 };
  /** Of the route, as it was last. */
  let generation: number | undefined;
  let weights = "";
  const overwrites = overwritesOf();
  const replicas = new Map<string, number>();
  const excuses: { from: Instant; to: Instant }[] = [];

  function violate(invariant: Invariant, text: string): void {
    if (told.has(invariant)) return;
    told.add(invariant);
    violations.push({ invariant, at: timeline.now(), text });
    note(`VIOLATION of "${invariant}": ${text}`);
  }

  function onJournal(object: StoredObject | undefined): void {
    const text = (object?.data as { readonly "release.json"?: string } | undefined)?.["release.json"];
    const before = record;
    record = text === undefined ? undefined : (JSON.parse(text) as ReleaseRecord);
    const phase = phaseOf(record);
    overwrites.onJournal(record);
    if (phase !== phaseOf(before)) note(`the journal says ${phase}`);
    if (record?.state.phase === "succeeded" && before?.state.phase !== "succeeded") onSuccess(record);
    options.onJournal(record);
  }

  function onSuccess({ target, plan, undoes }: ReleaseRecord): void {
    const winner = plan.promotion === "swap" ? target.canary.deployment : target.stable.deployment;
    if (undoes !== undefined) {
      [base, earlier] = [earlier, base];
      return;
    }
    [earlier, servedLast] = [servedLast ?? base, undefined];
    base = { deployment: winner, image: target.image ?? "" };
    if (isBad(base.image)) violate("no bad version promoted", `${base.image} is the new stable`);
  }

  function onRoute(object: StoredObject): void {
    const isStatus = writer() === "somebody else" && object.metadata.generation === generation;
    generation = object.metadata.generation;
    if (isStatus) return;
    const weight = record && canaryPercent(object, record.target);
    note(`${writer() === "job" ? "the job" : "somebody"} writes the route: ${routeText(object)}`);
    overwrites.onRoute(routeText(object), writer(), timeline.now());
    const isTouched = routeText(object) === weights;
    weights = routeText(object);
    // Who takes a release over touches the route first, so that nothing lands that was under way: that moves no weight.
    if (writer() !== "job" || isTouched || weight === undefined || record === undefined) return;
    const allowed = weightsNamed(record);
    if (!allowed.includes(weight))
      violate("no weight that no journal named", `${weight}% were written while the journal said ${phaseOf(record)}`);
    if (letsTestersIn(object) && !mayLetTestersIn(record))
      violate("no weight that no journal named", `testers were let in while the journal said ${phaseOf(record)}`);
  }

  /** A job that takes the last pods of a Deployment must not do so while the route sends requests there. */
  function onDeployment(object: StoredObject, gone: boolean): void {
    const { name } = object.metadata;
    const before = replicas.get(name) ?? 0;
    const after = gone ? 0 : ((object.spec as { readonly replicas?: number }).replicas ?? 1);
    replicas.set(name, after);
    if (writer() !== "job" || before === 0 || after > 0) return;
    const share = wouldGet(cluster, object, options.callers);
    if (share > 0)
      violate(
        "no pod retired under traffic",
        `${object.metadata.name} was ${gone ? "deleted" : "scaled to 0"} while the route gave it ${Math.round(share * 100)}%`,
      );
  }

  cluster.store.subscribe(({ type, kind, object }: Change) => {
    if (kind.plural === "configmaps") onJournal(type === "removed" ? undefined : object);
    if (routeKinds.has(kind.plural) && type === "added") {
      overwrites.found(routeText(object));
      generation = object.metadata.generation;
      weights = routeText(object);
    }
    if (routeKinds.has(kind.plural) && type === "modified") onRoute(object);
    if (kind.plural === "deployments") onDeployment(object, type === "removed");
  });

  const excused = (from: Instant, to: Instant): Millis => {
    let sum = 0;
    let reached = from;
    for (const excuse of [...excuses].sort((a, b) => a.from - b.from)) {
      const start = Math.max(reached, excuse.from);
      const end = Math.min(to, excuse.to + recovery);
      if (end > start) {
        sum += end - start;
        reached = end;
      }
    }
    return sum;
  };

  function measure(): void {
    if (bad === undefined) return;
    const whole = timeline.now() - bad.since;
    const unexcused = whole - excused(bad.since, timeline.now());
    longest = { whole: Math.max(longest.whole, whole), unexcused: Math.max(longest.unexcused, unexcused) };
    if (unexcused > options.bound)
      violate(
        "no bad version in traffic for longer than the fault at hand",
        `it had requests for ${Math.round(whole / 1_000)}s, ${Math.round(unexcused / 1_000)}s of them without an excuse`,
      );
  }

  return {
    violations,
    violate,
    untold: overwrites.untold,
    journal: () => record,
    base: () => base,
    excuse: (lasts) => void excuses.push({ from: timeline.now(), to: timeline.now() + lasts }),
    excuseUntil() {
      const excuse = { from: timeline.now(), to: Infinity };
      excuses.push(excuse);
      return () => {
        excuse.to = Math.min(excuse.to, timeline.now());
      };
    },
    onTraffic(traffic) {
      note(`requests go to ${trafficText(traffic)}`);
      // A slow answer is better than none: what only is slow harms nobody whom stable could not answer.
      const couldBe = couldServe(cluster, base);
      const isHarmful = ({ image }: Served): boolean => isBad(image) && (couldBe || !isOnlySlow(image));
      const isThere = traffic.some((served) => isHarmful(served) || (isWasted(served) && couldBe));
      if (!isThere) measure();
      bad = isThere ? (bad ?? { since: timeline.now() }) : undefined;
    },
    exposure() {
      measure();
      return longest;
    },
    rebase(changed) {
      if (changed.deployment !== base.deployment) return;
      const isPromoting = record?.state.phase === "promoting";
      // A promotion that is under way gives stable an image of its own, unless the versions change their roles.
      if (isPromoting && record?.plan.promotion !== "swap") return;
      if (isPromoting) servedLast ??= base;
      base = changed;
    },
  };
}

/** It reaches nobody, and that is no drill. */
export const isWasted = ({ deployment, injected }: Served): boolean => deployment === undefined && !injected;

/** Requests that reach nobody would be answered if they went to the version that may serve. */
function couldServe({ store }: SimulatedCluster, { deployment }: Base): boolean {
  const found = store.get(kindNamed("deployments"), namespace, deployment);
  const { availableReplicas = 0 } = (found?.status ?? {}) as { readonly availableReplicas?: number };
  return found !== undefined && availableReplicas > 0 && isWhole(store, versionOf(found) ?? "");
}

/** Which version a Deployment's pods are of. */
const versionOf = ({ spec }: StoredObject): string | undefined =>
  (spec as { template: { metadata?: { labels?: Record<string, string> } } }).template.metadata?.labels?.version;

/**
 * Those that a job may write while the journal is as it is: back is never named, since traffic comes off first. While a
 * rollback returns the traffic, what another job had under way may still land; afterwards it may not.
 */
function weightsNamed({ state, plan, stages }: ReleaseRecord): readonly number[] {
  const last = stages.at(-1)?.weight ?? 0;
  switch (state.phase) {
    case "rolling-back":
      return state.step === "returning" ? [0, ...plan.stages.map(({ weight }) => weight)] : [0];
    case "preparing":
    case "rolled-back":
      return [0];
    case "shifting":
      return [0, last, plan.stages[state.stage]?.weight ?? 100];
    case "baking":
    case "waiting":
      return [0, plan.stages[state.stage]?.weight ?? 100];
    case "promoting":
      return [0, 100];
    case "succeeded":
      return [plan.promotion === "swap" ? 100 : 0];
    case "failed":
      return state.during === "promoting" ? [0, 100] : [0];
  }
}

/** Whose rule, as a weight, stands from the first stage on. While a rollback returns the traffic, it may still land. */
function mayLetTestersIn({ state, plan }: ReleaseRecord): boolean {
  const isGoingBack = state.phase === "rolling-back" && state.step === "returning";
  return plan.testers !== undefined && (isGoingBack || testersPhases.has(state.phase));
}

const testersPhases: ReadonlySet<string> = new Set(["shifting", "baking", "waiting", "promoting"]);

export function phaseOf(record: ReleaseRecord | undefined): string {
  if (record === undefined) return "nothing";
  const { state } = record;
  const parts: (string | number)[] = [state.phase];
  if ("step" in state) parts.push(state.step);
  if ("stage" in state) parts.push(state.stage + 1);
  return parts.join("/");
}

export const trafficText = (traffic: Traffic): string =>
  traffic
    .map(
      ({ deployment = "nobody", image, share, injected }) =>
        `${deployment}${image === "" ? "" : ` (${image.split(":")[1]})`} ${Math.round(share * 100)}%${injected ? ` ${injected.flag}` : ""}`,
    )
    .join(", ") || "nobody";

/** The share of requests that the stored route gives to a Deployment's pods, were there any. */
function wouldGet({ store }: SimulatedCluster, deployment: StoredObject, callers: readonly Caller[]): number {
  const route = routeIn(store);
  if (route === undefined) return 0;
  const own = sharesBy(route, callers).filter(({ version }) => version === versionOf(deployment));
  return own.reduce((sum, { share }) => sum + share, 0);
}
