import { isWeight, type Raw, sumOf } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/virtual-service.ts";
import type { PatchOperation } from "../kubernetes/kubernetes-client.ts";
import { routeWord } from "./describe.ts";
import { type Move, plannedDestinations } from "./plan-moves.ts";

/** A JSON Patch that tests every rule it changes, so that it fails when the rules have moved since they were read. */
export function patchOf(moves: readonly Move[]): readonly PatchOperation[] {
  const changes = moves
    .map((move) => ({ move, operations: operationsOf(move) }))
    .filter(({ operations }) => operations.length > 0);
  for (const { move } of changes) assertWritable(move);
  return [...changes.flatMap(({ move }) => testsOf(move)), ...changes.flatMap(({ operations }) => operations)];
}

const pathOf = ({ section, index }: RouteRule): string => `/spec/${section}/${index}`;

/** That it is the same rule, and that its destinations stand where they stood. */
function testsOf({ rule, planned }: Move): readonly PatchOperation[] {
  const path = pathOf(rule);
  const marks = (["name", "match"] as const)
    .filter((field) => rule[field] !== undefined)
    .map((field) => test(`${path}/${field}`, rule[field]));
  // JSON Patch cannot test that a field is absent, so a rule without name and match is known by all of it.
  if (marks.length === 0) return [test(path, rule.raw)];
  const inPlace = planned.length === rule.destinations.length && planned.every(({ was }, index) => was === index);
  if (!inPlace) return [...marks, test(`${path}/route`, rule.raw.route)];
  const touched = planned.filter(({ raw }, index) => raw !== rule.destinations[index]?.raw);
  return [...marks, ...touched.map(({ was, raw }) => test(`${path}/route/${was}/destination`, raw.destination))];
}

const test = (path: string, value: unknown): PatchOperation => ({ op: "test", path, value });

/**
 * What goes, from the end; then what comes and what changes, from the beginning: so every index is right when its turn
 * comes.
 */
function operationsOf({ rule, planned }: Move): readonly PatchOperation[] {
  const path = `${pathOf(rule)}/route`;
  const kept = new Set(planned.map(({ was }) => was));
  const gone = [...rule.destinations.keys()].filter((index) => !kept.has(index)).reverse();
  const operations = gone.map((index): PatchOperation => ({ op: "remove", path: `${path}/${index}` }));
  for (const [index, { was, raw }] of planned.entries()) {
    const now = was === undefined ? undefined : rule.destinations[was];
    if (now) operations.push(...weightChange(`${path}/${index}/weight`, now.raw, raw));
    else operations.push({ op: "add", path: `${path}/${index}`, value: raw });
  }
  return operations;
}

function weightChange(path: string, { weight: now }: Raw, { weight: planned }: Raw): readonly PatchOperation[] {
  if (now === planned) return [];
  if (planned === undefined) return [{ op: "remove", path }];
  return [{ op: now === undefined ? "add" : "replace", path, value: planned }];
}

/** The last line before the wire: whatever went wrong above, no rule is written that Istio would misunderstand. */
function assertWritable(move: Move): void {
  const destinations = plannedDestinations(move);
  const wrong: string[] = [];
  if (destinations.length === 0) wrong.push("no destination");
  for (const { host, weight } of destinations) {
    if (host.text === "") wrong.push("a destination without a host");
    if (!isWeight(weight)) wrong.push(`the weight ${JSON.stringify(weight)}`);
  }
  if (destinations.length > 1 && sumOf(destinations) === 0) wrong.push("weights that sum to 0");
  if (wrong.length > 0)
    throw new Error(`${routeWord(move.rule)} would get ${wrong.join(" and ")}; nothing was written`);
}
