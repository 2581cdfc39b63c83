import type { Raw, WeightedDestination } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Aim } from "../../release/aim.ts";
import { type Role, roles } from "../../release/target.ts";
import { type Addition, additionsTo, type Beside, slotsAt, standingBeside } from "./added-rules.ts";
import { withCookie } from "./affinity.ts";
import type { ObjectBefore, RuleBefore } from "./before.ts";
import { plannedCopies } from "./copies.ts";
import { destinationWord, ruleWord } from "./describe.ts";
import { type DestinationRoles, destinationRoles, type VersionPair } from "./destination-roles.ts";
import { type Likeness, locate } from "./locate.ts";
import type { RouteShape } from "./route-shape.ts";
import { canaryWeight, managedShare } from "./share.ts";

/** A destination in its planned place; `was` is its index now, undefined for one that is added. */
type Placed = { readonly was: number | undefined; readonly raw: Raw };

/** One rule of the release, as it is and as it is planned; both may be the same. */
export type Move = {
  readonly shape: RouteShape;
  readonly namespace: string;
  readonly rule: RouteRule;
  readonly planned: readonly Placed[];
  /** The fields by which copies are sent, as they are planned. */
  readonly copies: Raw;
};

export const plannedDestinations = ({ shape, namespace, planned }: Move): readonly WeightedDestination[] =>
  shape.read(
    planned.map(({ raw }) => raw),
    namespace,
  );

export type RoutePlan = {
  readonly moves: readonly Move[];
  /** The rules that come, go, change or stay beside those that move. */
  readonly additions: readonly Addition[];
  /** Where a rule of the release is not known again: those that send to a version, of which it may be one. */
  readonly unknown: readonly RouteRule[];
  /** Rules of the release that cannot be moved, in words. */
  readonly troubles: readonly string[];
};

/**
 * Pure: what has to change so that `object` is as `aim` says. Everything that is not named in the plan stays as it is.
 */
export function planMoves(
  shape: RouteShape,
  object: KubernetesObject,
  before: ObjectBefore,
  pair: VersionPair,
  aim: Aim,
): RoutePlan {
  const versions = destinationRoles(shape, pair);
  const all = shape.rulesOf(object);
  const beside = before.rules.map((was, at) =>
    slotsAt(at).map((slot) => ({ slot, standing: standingBeside(all, was, slot, versions) })),
  );
  const added = new Set(beside.flat().flatMap(({ standing }) => standing));
  const own = all.filter((rule) => !added.has(rule));
  const serving = own.filter(({ destinations }) => destinations.some(versions.roleOf));
  const rules = locate(before.rules, serving, inSamePlace(own, aim, versions));
  const unknown = rules.includes(undefined) ? serving.filter((rule) => !rules.includes(rule)) : [];
  const each = before.rules.map((was, at) =>
    planRule(shape, { was, rule: rules[at], beside: beside[at] ?? [] }, aim, versions, before.namespace),
  );
  const moves = each.flatMap(({ move }) => move ?? []);
  const ambiguous = moves.flatMap(({ rule }) =>
    repeated(rule.destinations, versions).map((what) => `${ruleWord(shape, rule)} names ${what} more than once`),
  );
  return {
    moves,
    additions: each.flatMap(({ additions }) => additions),
    unknown,
    troubles: [...each.flatMap(({ troubles }) => troubles), ...ambiguous],
  };
}

/** A rule of the release, the one that it is known again in, and what stands before that. */
type Located = {
  readonly was: RuleBefore;
  readonly rule: RouteRule | undefined;
  readonly beside: readonly Pick<Beside, "slot" | "standing">[];
};

/** What has to change in one rule, and beside it. */
function planRule(
  shape: RouteShape,
  { was, rule, beside }: Located,
  aim: Aim,
  versions: DestinationRoles,
  namespace: string,
): Pick<RoutePlan, "additions" | "troubles"> & { readonly move?: Move } {
  const start = startOf(shape, was, namespace, versions);
  const canary = start.canary?.destination.raw ?? versions.canaryLike(start.stable.destination, namespace);
  const destinations = { stable: start.stable.destination.raw, canary };
  const its = beside.map((one) => additionsTo(shape, { ...one, was, rule, destinations }, aim, versions, namespace));
  const additions = its.flatMap((one) => one.additions);
  const troubles = its.flatMap(({ trouble }) => trouble ?? []);
  const word = ruleWord(shape, was);
  if (!rule) {
    const gone = `${word} is gone, or so changed that nothing tells it from the others`;
    return { additions, troubles: [...troubles, gone] };
  }
  const planned = place(rule.destinations, start, aim, versions).map((one) =>
    asKept(shape, one, was, start, aim, versions),
  );
  const { copies, because } = plannedCopies(shape, { rule, was }, aim, canary, versions, namespace);
  if (because !== undefined) troubles.push(`${word}: ${because}`);
  return { move: { shape, namespace, rule, planned, copies }, additions, troubles };
}

/**
 * A rule without a name whose match somebody edits has nothing left but its place, and that it sends to a version. Where
 * it gets a weight it has to have both, so that no rule that never had the canary is given one.
 */
function inSamePlace(rules: readonly RouteRule[], aim: Aim, { indexesOf }: DestinationRoles): Likeness {
  return (was, now) => {
    const ofSection = rules.filter(({ section }) => section === was.section);
    const isBetween = aim.to !== "split" || roles.every((role) => indexesOf(role, now.destinations).length > 0);
    return !was.name && !now.name && isBetween && ofSection.indexOf(now) === was.index;
  };
}

/**
 * The versions that a rule names more than once, by several ports or by mistake: nobody can say which weight counts.
 */
export const repeated = (
  destinations: readonly WeightedDestination[],
  { indexesOf }: DestinationRoles,
): readonly string[] =>
  roles.flatMap((role) => {
    const [first, second] = indexesOf(role, destinations).map((index) => destinations[index]);
    if (first && second) return [destinationWord({ ...first, port: undefined })];
    return [];
  });

/** With its version's cookie, while users are kept. */
function asKept(
  shape: RouteShape,
  placed: Placed,
  { affinity: was, section }: RuleBefore,
  start: Start,
  aim: Aim,
  { roleOf }: DestinationRoles,
): Placed {
  const [destination] = shape.read([placed.raw], start.namespace);
  const role = destination && roleOf(destination);
  if (!role || section !== "http") return placed;
  const before = start[role]?.destination.raw ?? {};
  const affinity = aim.to === "split" ? aim.affinity : undefined;
  return { ...placed, raw: withCookie(shape, placed.raw, role, { affinity, was, before }) };
}

type Standing = { readonly at: number; readonly destination: WeightedDestination };

/** A rule as the release found it. */
type Start = {
  readonly namespace: string;
  readonly stable: Standing;
  readonly canary: Standing | undefined;
  readonly managed: number;
};

function startOf(shape: RouteShape, before: RuleBefore, namespace: string, { roleOf }: DestinationRoles): Start {
  const standing = shape.read(before.route, namespace).map((destination, at) => ({ at, destination }));
  const find = (role: Role): Standing | undefined => standing.find(({ destination }) => roleOf(destination) === role);
  const [stable, canary] = [find("stable"), find("canary")];
  if (!stable) throw new Error(`the journal's ${ruleWord(shape, before)} has no destination of stable`);
  const isOurs = (one: Standing): boolean => one === stable || one === canary;
  const [ours, thirds] = [standing.filter(isOurs), standing.filter((one) => !isOurs(one))];
  return { namespace, stable, canary, managed: managedShare(ours.map(destinationOf), thirds.map(destinationOf)) };
}

const destinationOf = ({ destination }: Standing): WeightedDestination => destination;

/** A destination that has to be there: its weight, and where it comes from and goes to when it is not. */
type Due = { readonly weight: unknown; readonly raw: Raw; readonly at: number };

function dueOf(
  { namespace, stable, canary, managed }: Start,
  aim: Aim,
  { canaryLike }: Pick<DestinationRoles, "canaryLike">,
): Readonly<Record<Role, Due | undefined>> {
  const old = { raw: stable.destination.raw, at: stable.at };
  const its = canary
    ? { raw: canary.destination.raw, at: canary.at }
    : { raw: canaryLike(stable.destination, namespace), at: stable.at + 1 };
  switch (aim.to) {
    case "before":
      return {
        stable: { ...old, weight: stable.destination.weight },
        canary: canary && { ...its, weight: canary.destination.weight },
      };
    case "split": {
      if (aim.canary === 0) return dueOf({ namespace, stable, canary, managed }, { to: "before" }, { canaryLike });
      const weight = canaryWeight(managed, aim.canary);
      return { stable: { ...old, weight: managed - weight }, canary: { ...its, weight } };
    }
    case "swapped":
      return canary
        ? { stable: { ...old, weight: 0 }, canary: { ...its, weight: managed } }
        : { stable: undefined, canary: { raw: its.raw, at: stable.at, weight: stable.destination.weight } };
  }
}

/**
 * What stands and is due keeps its place and every field but the weight; what is due and missing is put where it was.
 */
function place(
  now: readonly WeightedDestination[],
  start: Start,
  aim: Aim,
  versions: DestinationRoles,
): readonly Placed[] {
  const due = dueOf(start, aim, versions);
  const index = { stable: indexNow("stable", now, start, versions), canary: indexNow("canary", now, start, versions) };
  const placed: Placed[] = [];
  for (const [was, { raw }] of now.entries()) {
    const role = roles.find((one) => index[one] === was);
    if (role === undefined) placed.push({ was, raw });
    else if (due[role]) placed.push({ was, raw: withWeight(raw, due[role].weight) });
  }
  for (const role of roles) {
    const missing = index[role] === undefined ? due[role] : undefined;
    if (missing) placed.splice(missing.at, 0, { was: undefined, raw: withWeight(missing.raw, missing.weight) });
  }
  return placed;
}

/** Where a version stands now: the destination with the port that it had, if several have its host and subset. */
function indexNow(
  role: Role,
  now: readonly WeightedDestination[],
  start: Start,
  { indexesOf }: DestinationRoles,
): number | undefined {
  const indexes = indexesOf(role, now);
  const { port } = (start[role] ?? start.stable).destination;
  return indexes.find((index) => now[index]?.port === port) ?? indexes[0];
}

/** Keeps every field and its place, so that a weight given back gives back the same text. */
function withWeight(raw: Raw, weight: unknown): Raw {
  if (weight !== undefined) return { ...raw, weight };
  const { weight: _, ...rest } = raw;
  return rest;
}
