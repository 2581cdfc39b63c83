import type { KubernetesObject } from "../../kubernetes/object.ts";
import { copiesIn } from "./copies.ts";
import type { Move } from "./plan-moves.ts";

/** An object as it will be once these moves are written. Pure. */
export function afterMoves(object: KubernetesObject, moves: readonly Move[]): KubernetesObject {
  const copy = structuredClone(object);
  for (const move of moves) Object.assign(ruleAt(copy, move.rule.path), fieldsAfter(move));
  return copy;
}

function fieldsAfter({ shape, rule, planned, copies }: Move): object {
  const gone = Object.keys(copiesIn(shape, rule.raw)).map((name) => [name, undefined] as const);
  return { ...Object.fromEntries(gone), ...copies, [shape.destinations]: planned.map(({ raw }) => raw) };
}

function ruleAt(object: KubernetesObject, pointer: string): object {
  let inner: unknown = object;
  for (const step of pointer.split("/").slice(1)) inner = Reflect.get(Object(inner), step);
  return Object(inner);
}
