import { isDeepStrictEqual } from "node:util";
import { type Raw, readDestination } from "../../istio/destination.ts";
import { field, listAt } from "../../kubernetes/field.ts";
import type { Aim } from "../../release/aim.ts";
import type { DestinationRoles } from "./destination-roles.ts";

/** One copy, with its percentage in the older form of three fields, or the oldest; or several. */
const single = ["mirror", "mirrorPercent", "mirrorPercentage"] as const;
const copyFields: readonly string[] = [...single, "mirrors"];

/** The fields of a rule by which copies of its requests are sent somewhere. */
export const copiesIn = (rule: Raw): Raw =>
  Object.fromEntries(Object.entries(rule).filter(([name]) => copyFields.includes(name)));

/**
 * Copies to the canary end with the first write, since it would get the requests that are its own twice, and come back
 * with the route as it was before. All other copies stay.
 */
export function plannedCopies(
  now: Raw,
  before: Raw,
  aim: Aim,
  { roleOf }: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): Raw {
  const isCanary = (destination: unknown): boolean => roleOf(readDestination(destination, namespace)) === "canary";
  const isCopyOfCanary = (entry: unknown): boolean => isCanary(field(entry, "destination"));
  const [one, several] = [isCanary(before.mirror), listAt(before, "mirrors").filter(isCopyOfCanary)];
  if (aim.to === "before") {
    const back = one && now.mirror === undefined ? { ...now, ...only(before, single) } : now;
    return several.length > 0
      ? withList(back, together(listAt(now, "mirrors"), listAt(before, "mirrors"), several))
      : back;
  }
  const without = one && isCanary(now.mirror) ? except(now, single) : now;
  return several.length > 0
    ? withList(
        without,
        listAt(now, "mirrors").filter((entry) => !isCopyOfCanary(entry)),
      )
    : without;
}

const only = (fields: Raw, names: readonly string[]): Raw =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
const except = (fields: Raw, names: readonly string[]): Raw =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

const withList = (fields: Raw, mirrors: readonly unknown[]): Raw =>
  mirrors.length > 0 ? { ...fields, mirrors } : except(fields, ["mirrors"]);

/** What was taken comes back to its place; what somebody else has put there meanwhile stays. */
function together(now: readonly unknown[], before: readonly unknown[], taken: readonly unknown[]): readonly unknown[] {
  const entries = [...now];
  for (const [at, entry] of before.entries())
    if (taken.includes(entry) && !now.some((one) => isDeepStrictEqual(one, entry))) entries.splice(at, 0, entry);
  return entries;
}
