import { isDeepStrictEqual } from "node:util";
import { isWeight, type Raw, sumOf } from "../../istio/destination.ts";
import { listAt, objectAt } from "../../kubernetes/field.ts";
import type { PatchOperation } from "../kubernetes/kubernetes-client.ts";
import { type Addition, isChanged } from "./added-rules.ts";
import { copiesIn } from "./copies.ts";
import { ruleWord } from "./describe.ts";
import { type Move, plannedDestinations, type RoutePlan } from "./plan-moves.ts";

/** What changes, as a JSON Patch of the very rules that were read. */
export function patchOf({ moves, additions }: Pick<RoutePlan, "moves" | "additions">): readonly PatchOperation[] {
  const changed = moves.filter(isMoved);
  for (const move of changed) assertWritable(move);
  const ours = additions.filter(isChanged);
  for (const addition of ours) assertNarrow(addition);
  return [...changed.flatMap(operationsOf), ...changesAmong(ours)];
}

export const isMoved = (move: Move): boolean => operationsOf(move).length > 0;

/** What is replaced moves no rule; what goes and what comes does, so the last ones come first. */
function changesAmong(additions: readonly Addition[]): readonly PatchOperation[] {
  const [replaced, moving]: [PatchOperation[], { at: number; operation: PatchOperation }[]] = [[], []];
  for (const { now, planned: value, before } of additions) {
    if (now && value) replaced.push({ op: "replace", path: now.path, value });
    else if (now) moving.push({ at: now.index, operation: { op: "remove", path: now.path } });
    else if (before) moving.push({ at: before.index, operation: { op: "add", path: before.path, value } });
  }
  return [...replaced, ...moving.sort((one, other) => other.at - one.at).map(({ operation }) => operation)];
}

function operationsOf(move: Move): readonly PatchOperation[] {
  return [...destinationChanges(move), ...copyChanges(move)];
}

/** Whether the cookies of its destinations change, or whatever else of them is no weight. */
export const changesCookies = ({ rule, planned }: Move): boolean =>
  planned.some(({ was, raw }) => {
    const now = was === undefined ? undefined : rule.destinations[was];
    return now !== undefined && fieldChanges("", now.raw, raw).some(({ path }) => path !== "/weight");
  });

/** Whether the copies of its requests change. */
export const changesCopies = (move: Move): boolean => copyChanges(move).length > 0;

function copyChanges({ shape, rule, copies }: Move): readonly PatchOperation[] {
  return fieldChanges(rule.path, copiesIn(shape, rule.raw), copies);
}

/** What makes these fields of those. */
function fieldChanges(place: string, now: Raw, planned: Raw): readonly PatchOperation[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(planned)])];
  return names.flatMap((name): readonly PatchOperation[] => {
    const path = `${place}/${name}`;
    if (isDeepStrictEqual(now[name], planned[name])) return [];
    if (planned[name] === undefined) return [{ op: "remove", path }];
    return [{ op: now[name] === undefined ? "add" : "replace", path, value: planned[name] }];
  });
}

/**
 * What goes, from the end; then what comes and what changes, from the beginning: so every index is right when its turn
 * comes.
 */
function destinationChanges({ shape, rule, planned }: Move): readonly PatchOperation[] {
  const path = `${rule.path}/${shape.destinations}`;
  const kept = new Set(planned.map(({ was }) => was));
  const gone = [...rule.destinations.keys()].filter((index) => !kept.has(index)).reverse();
  const operations = gone.map((index): PatchOperation => ({ op: "remove", path: `${path}/${index}` }));
  for (const [index, { was, raw }] of planned.entries()) {
    const now = was === undefined ? undefined : rule.destinations[was];
    if (now) operations.push(...fieldChanges(`${path}/${index}`, now.raw, raw));
    else operations.push({ op: "add", path: `${path}/${index}`, value: raw });
  }
  return operations;
}

/** The last check before it is sent (kubernetes/edit.ts): whatever went wrong above, no rule is written that a mesh would misunderstand. */
function assertWritable(move: Move): void {
  const destinations = plannedDestinations(move);
  const wrong: string[] = [];
  if (destinations.length === 0) wrong.push("no destination");
  for (const { host, weight } of destinations) {
    if (host.text === "") wrong.push("a destination without a host");
    if (!isWeight(weight)) wrong.push(`the weight ${JSON.stringify(weight)}`);
  }
  if (destinations.length > 0 && sumOf(destinations) === 0) wrong.push("weights that sum to 0");
  if (wrong.length > 0)
    throw new Error(`${ruleWord(move.shape, move.rule)} would get ${wrong.join(" and ")}; nothing was written`);
}

/** A rule without conditions takes every request. */
function assertNarrow({ shape, planned }: Addition): void {
  const match = planned && listAt(planned, shape.match);
  if (match && (match.length === 0 || match.some((one) => Object.keys(objectAt(one)).length === 0)))
    throw new Error(`${String(planned.name)} would take every request; nothing was written`);
}
