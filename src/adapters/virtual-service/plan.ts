import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { RuleBefore, VirtualServiceBefore } from "./before.ts";
import { destinationWord, routeWord } from "./describe.ts";
import { locate } from "./locate.ts";
import { type Pair, type Role, roles, type Versions, versionsIn } from "./role.ts";
import { type Entry, entryOf, type Raw, type Rule, rulesOf } from "./rule.ts";
import { canaryWeight, managedShare } from "./share.ts";

/** How the routes are to be. `before`: as the release found them. `swapped`: the canary in stable's place. */
export type Aim =
  | { readonly to: "before" }
  | { readonly to: "split"; readonly canary: number }
  | { readonly to: "swapped" };

/** A canary without requests needs no destination, so no share is the same as the route before the release. */
export const aimAt = (canary: number): Aim => (canary === 0 ? { to: "before" } : { to: "split", canary });

/** A destination in its planned place; `was` is its index now, absent for one that is added. */
type Placed = { readonly was?: number; readonly raw: Raw };

/** One rule of the release, as it is and as it is planned; both may be the same. */
export type Move = { readonly rule: Rule; readonly planned: readonly Placed[] };

export type Plan = {
  readonly moves: readonly Move[];
  /** Rules of the release that cannot be moved, in words. */
  readonly troubles: readonly string[];
};

/** Pure: what has to change so that `object` is as `aim` says. Everything that is not named in the plan stays as it is. */
export function planRoutes(object: KubernetesObject, before: VirtualServiceBefore, pair: Pair, aim: Aim): Plan {
  const versions = versionsIn(before.namespace, pair);
  const served = rulesOf(object).filter(({ entries }) => entries.some((entry) => versions.roleOf(entry) !== undefined));
  const found = locate(before.rules, served);
  const moves = before.rules.flatMap((was, at) => {
    const rule = found[at];
    return rule ? [{ rule, planned: place(rule.entries, startOf(was, versions), aim, versions) }] : [];
  });
  return {
    moves,
    troubles: [
      ...before.rules
        .filter((_, at) => !found[at])
        .map((was) => `${routeWord(was)} is gone, or sends to neither version any more`),
      ...moves.flatMap(({ rule }) =>
        repeated(rule.entries, versions).map((what) => `${routeWord(rule)} names ${what} more than once`),
      ),
    ],
  };
}

/** The versions that a rule names more than once, by several ports or by mistake: nobody can say which weight counts. */
export const repeated = (entries: readonly Entry[], { indexesOf }: Versions): readonly string[] =>
  roles.flatMap((role) => {
    const [first, second] = indexesOf(role, entries).map((index) => entries[index]);
    return first && second
      ? [destinationWord({ host: first.host, ...(first.subset === undefined ? {} : { subset: first.subset }) })]
      : [];
  });

type Standing = { readonly at: number; readonly entry: Entry };

/** A rule as the release found it. */
type Start = { readonly stable: Standing; readonly canary: Standing | undefined; readonly managed: number };

function startOf(before: RuleBefore, { roleOf }: Versions): Start {
  const standing = before.route.map(entryOf).map((entry, at) => ({ at, entry }));
  const find = (role: Role): Standing | undefined => standing.find(({ entry }) => roleOf(entry) === role);
  const [stable, canary] = [find("stable"), find("canary")];
  if (!stable) throw new Error(`the journal's ${routeWord(before)} has no destination of stable`);
  const thirds = standing.filter((one) => one !== stable && one !== canary).map(({ entry }) => entry);
  return { stable, canary, managed: managedShare([stable.entry, ...(canary ? [canary.entry] : [])], thirds) };
}

/** A destination that has to be there: its weight, and where it comes from and goes to when it is not. */
type Wanted = { readonly weight: unknown; readonly raw: Raw; readonly at: number };

function wantedOf(
  { stable, canary, managed }: Start,
  aim: Aim,
  { canaryLike }: Versions,
): { readonly [role in Role]: Wanted | undefined } {
  const old = { raw: stable.entry.raw, at: stable.at };
  const its = canary ? { raw: canary.entry.raw, at: canary.at } : { raw: canaryLike(stable.entry), at: stable.at + 1 };
  switch (aim.to) {
    case "before":
      return {
        stable: { ...old, weight: stable.entry.weight },
        canary: canary && { ...its, weight: canary.entry.weight },
      };
    case "split": {
      const weight = canaryWeight(managed, aim.canary);
      return { stable: { ...old, weight: managed - weight }, canary: { ...its, weight } };
    }
    case "swapped":
      return canary
        ? { stable: { ...old, weight: 0 }, canary: { ...its, weight: managed } }
        : { stable: undefined, canary: { raw: its.raw, at: stable.at, weight: stable.entry.weight } };
  }
}

/** What stands and is wanted keeps its place and every field but the weight; what is wanted and missing is put where it was. */
function place(now: readonly Entry[], start: Start, aim: Aim, versions: Versions): readonly Placed[] {
  const wanted = wantedOf(start, aim, versions);
  const index = { stable: indexNow("stable", now, start, versions), canary: indexNow("canary", now, start, versions) };
  const kept = now.flatMap(({ raw }, was): readonly Placed[] => {
    const role = roles.find((one) => index[one] === was);
    if (role === undefined) return [{ was, raw }];
    const want = wanted[role];
    return want ? [{ was, raw: withWeight(raw, want.weight) }] : [];
  });
  return roles.reduce((placed, role) => {
    const want = wanted[role];
    return want && index[role] === undefined
      ? placed.toSpliced(want.at, 0, { raw: withWeight(want.raw, want.weight) })
      : placed;
  }, kept);
}

/** Where a version stands now: the destination with the port that it had, if several have its host and subset. */
function indexNow(role: Role, now: readonly Entry[], start: Start, { indexesOf }: Versions): number | undefined {
  const indexes = indexesOf(role, now);
  const { port } = (start[role] ?? start.stable).entry;
  return indexes.find((index) => now[index]?.port === port) ?? indexes[0];
}

/** Keeps every field and its place, so that a weight given back gives back the same text. */
function withWeight(raw: Raw, weight: unknown): Raw {
  if (weight !== undefined) return { ...raw, weight };
  const { weight: _, ...rest } = raw;
  return rest;
}
