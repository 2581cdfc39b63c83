import { isDeepStrictEqual } from "node:util";
import { listAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { Raw } from "./destination.ts";
import type { RouteRule } from "./route-rule.ts";

/** How much of what a rule takes is left to it by the rules above it; Istio takes the first that fits. */
export type Coverage = {
  /** The rule above. */
  readonly by: RouteRule;
  /** Every condition of it is taken away, or some are. */
  readonly all: boolean;
};

const conditionsOf = ({ match }: RouteRule): readonly Raw[] => listAt({ match }, "match").map((one) => objectAt(one));

/** Undefined where each of its conditions may be met. */
export function coverageOf(rule: RouteRule, above: readonly RouteRule[]): Coverage | undefined {
  const conditions = conditionsOf(rule);
  const taken = conditions.map((one) => above.find((other) => conditionsOf(other).some((wide) => covers(wide, one))));
  const by = taken.find((one) => one !== undefined);
  return by && { by, all: !taken.includes(undefined) };
}

/** Whether whatever meets the second condition meets the first. The parts of one are all asked for. */
export function covers({ name: _, ...wide }: Raw, narrow: Raw): boolean {
  return Object.entries(wide).every(([part, value]) => coversPart(part, value, narrow[part]));
}

function coversPart(part: string, wide: unknown, narrow: unknown): boolean {
  if (isDeepStrictEqual(wide, narrow)) return true;
  if (!byName.has(part)) return coversText(part, wide, narrow);
  const [few, many] = [objectAt(wide), objectAt(narrow)];
  return Object.entries(few).every(([key, value]) => isDeepStrictEqual(value, many[key]));
}

/** Several conditions under names, each of which has to hold. */
const byName = new Set(["headers", "queryParams", "sourceLabels", "withoutHeaders"]);

/** Every request has a path. */
function coversText(part: string, wide: unknown, narrow: unknown): boolean {
  const prefix = textAt(wide, "prefix");
  const text = textAt(narrow, "prefix") ?? textAt(narrow, "exact") ?? (part === "uri" ? "/" : undefined);
  return prefix !== undefined && text?.startsWith(prefix) === true;
}
