import { isDeepStrictEqual } from "node:util";
import type { RouteRule } from "../../istio/route-rule.ts";
import type { RuleBefore } from "./before.ts";

export type Likeness = (was: RuleBefore, now: RouteRule) => boolean;

const sameMatch: Likeness = (was, now) => isDeepStrictEqual(was.match, now.match);
const sameBoth: Likeness = (was, now) => was.name === now.name && sameMatch(was, now);

/**
 * By what a rule is known again, the surest first. Its place says something only where name and match are the same,
 * too.
 */
const likenesses: readonly Likeness[] = [
  sameBoth,
  (was, now) => was.name !== undefined && was.name === now.name,
  sameMatch,
  (was, now) => sameBoth(was, now) && was.index === now.index,
];

/**
 * Where the rules of a release are among those that are there now; undefined for one that is gone.
 * A likeness counts only where it is unique on both sides, so no rule is ever taken for another or for two.
 */
export function locate(
  before: readonly RuleBefore[],
  now: readonly RouteRule[],
  /** What tells a rule where nothing else does. */
  last: Likeness = () => false,
): readonly (RouteRule | undefined)[] {
  const known = new Map<RuleBefore, RouteRule>();
  for (const alike of [...likenesses, last]) {
    const taken = new Set(known.values());
    const lost = before.filter((was) => !known.has(was));
    const free = now.filter((rule) => !taken.has(rule));
    const fits = (was: RuleBefore, rule: RouteRule): boolean => was.section === rule.section && alike(was, rule);
    for (const was of lost) {
      const [rule, ...more] = free.filter((candidate) => fits(was, candidate));
      if (rule && more.length === 0 && lost.every((other) => other === was || !fits(other, rule))) known.set(was, rule);
    }
  }
  return before.map((was) => known.get(was));
}
