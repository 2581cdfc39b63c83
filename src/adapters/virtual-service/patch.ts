import type { PatchOperation } from "../kubernetes/client.ts";
import { routeWord } from "./describe.ts";
import type { Move } from "./plan.ts";
import { entryOf, type Raw, type Rule, sumOf } from "./rule.ts";

/** A JSON Patch that tests every rule it changes, so that it fails when the rules have moved since they were read. */
export function patchOf(moves: readonly Move[]): readonly PatchOperation[] {
  const changes = moves
    .map((move) => ({ move, operations: operationsOf(move) }))
    .filter(({ operations }) => operations.length > 0);
  for (const { move } of changes) assertWritable(move);
  return [...changes.flatMap(({ move }) => testsOf(move)), ...changes.flatMap(({ operations }) => operations)];
}

const pathOf = ({ list, index }: Rule): string => `/spec/${list}/${index}`;

/** That it is the same rule, and that its destinations stand where they stood. */
function testsOf({ rule, planned }: Move): readonly PatchOperation[] {
  const path = pathOf(rule);
  const marks = (["name", "match"] as const)
    .filter((field) => rule[field] !== undefined)
    .map((field) => test(`${path}/${field}`, rule[field]));
  // JSON Patch cannot test that a field is absent, so a rule without name and match is known by all of it.
  if (marks.length === 0) return [test(path, rule.raw)];
  const inPlace = planned.length === rule.entries.length && planned.every(({ was }, index) => was === index);
  if (!inPlace) return [...marks, test(`${path}/route`, rule.raw.route)];
  const touched = planned.filter(({ raw }, index) => raw !== rule.entries[index]?.raw);
  return [...marks, ...touched.map(({ was, raw }) => test(`${path}/route/${was}/destination`, raw.destination))];
}

const test = (path: string, value: unknown): PatchOperation => ({ op: "test", path, value });

/** What goes, from the end; then what comes and what changes, from the beginning: so every index is right when its turn comes. */
function operationsOf({ rule, planned }: Move): readonly PatchOperation[] {
  const path = `${pathOf(rule)}/route`;
  const kept = new Set(planned.map(({ was }) => was));
  const gone = [...rule.entries.keys()].filter((index) => !kept.has(index)).reverse();
  return [
    ...gone.map((index): PatchOperation => ({ op: "remove", path: `${path}/${index}` })),
    ...planned.flatMap(({ was, raw }, index): readonly PatchOperation[] => {
      const now = was === undefined ? undefined : rule.entries[was];
      return now
        ? weightChange(`${path}/${index}/weight`, now.raw, raw)
        : [{ op: "add", path: `${path}/${index}`, value: raw }];
    }),
  ];
}

function weightChange(path: string, { weight: now }: Raw, { weight: planned }: Raw): readonly PatchOperation[] {
  if (now === planned) return [];
  if (planned === undefined) return [{ op: "remove", path }];
  return [{ op: now === undefined ? "add" : "replace", path, value: planned }];
}

/** The last line before the wire: whatever went wrong above, no rule is written that Istio would misunderstand. */
function assertWritable({ rule, planned }: Move): void {
  const entries = planned.map(({ raw }) => entryOf(raw));
  const wrong = [
    ...(entries.length === 0 ? ["no destination"] : []),
    ...entries.filter(({ host }) => host === "").map(() => "a destination without a host"),
    ...entries.filter(({ weight }) => !isWeight(weight)).map(({ weight }) => `the weight ${JSON.stringify(weight)}`),
    ...(entries.length > 1 && sumOf(entries) === 0 ? ["weights that sum to 0"] : []),
  ];
  if (wrong.length > 0) throw new Error(`${routeWord(rule)} would get ${wrong.join(" and ")}; nothing was written`);
}

/** What Istio's int32 takes, or nothing. */
export const isWeight = (weight: unknown): boolean =>
  weight === undefined || (Number.isInteger(weight) && Number(weight) >= 0);
