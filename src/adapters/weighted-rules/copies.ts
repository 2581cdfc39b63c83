import { isDeepStrictEqual } from "node:util";
import type { Destination, Raw } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { listAt } from "../../kubernetes/field.ts";
import type { Aim } from "../../release/aim.ts";
import type { RuleBefore } from "./before.ts";
import { fieldPath } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import type { RouteShape } from "./route-shape.ts";

/** The fields of a rule by which copies of its requests are sent somewhere. */
export const copiesIn = ({ copies: { single, list } }: RouteShape, rule: Raw): Raw => only(rule, [...single, list]);

/**
 * The copies that a rule is to send, and why they are none to the canary where some are planned. Of those that a release
 * adds itself nothing is left where none is planned; whoever sends copies to the canary already sends them as planned,
 * and no request twice.
 */
export function plannedCopies(
  shape: RouteShape,
  { rule, was }: { readonly rule: RouteRule; readonly was: RuleBefore },
  aim: Aim,
  canary: Raw,
  versions: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): { readonly copies: Raw; readonly because?: string | undefined } {
  const { copies: before = {}, mirrored = false } = was;
  const now = copiesIn(shape, rule.raw);
  const theirs = mirrored ? withoutOurs(shape, now, before, versions, namespace) : now;
  const percent = aim.to === "split" ? aim.mirror : undefined;
  const unsaid = percent === undefined ? undefined : whyNoMirror(shape, rule, versions, namespace);
  const { list, entryFor } = shape.copies;
  if (percent === undefined || unsaid || !entryFor)
    return { copies: copiesOfOthers(shape, theirs, before, aim, versions, namespace), because: unsaid?.because };
  const others = withoutCopies(shape, theirs, versions, namespace);
  return { copies: { ...others, [list]: [...listAt(others, list), entryFor(canary, percent)] } };
}

/** Why no copies of a rule's requests can be sent to the canary; undefined where they can. */
export function whyNoMirror(
  shape: RouteShape,
  rule: Pick<RouteRule, "section" | "path" | "raw">,
  versions: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): { readonly because: string; readonly next: string } | undefined {
  const { section, raw } = rule;
  const { single, entryFor } = shape.copies;
  const weights = "Take mirror out of the stages: connections are tried by a small weight.";
  if (section !== "http") return { because: "it divides connections, and of those nobody sends copies", next: weights };
  if (!entryFor) return { because: `${shape.kind}s send no copies`, next: weights };
  const [name = ""] = single;
  if (!raw[name] || toCanary(shape, versions, namespace).bySingle(raw)) return undefined;
  const place = fieldPath(rule);
  return {
    because: `it copies its requests by ${place}.${name} already, and a rule with mirrors beside it is refused by Istio`,
    next: `Write it as an entry of ${place}.mirrors: the release adds its own to that list.`,
  };
}

/** Which copies go to the canary: those of a rule's one field, and those of an entry. */
function toCanary(
  { copies: { single, ofSingle, ofEntry } }: Pick<RouteShape, "copies">,
  { roleOf }: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): { readonly bySingle: (fields: Raw) => boolean; readonly byEntry: (entry: unknown) => boolean } {
  const isCanary = (one: Destination | undefined): boolean => one !== undefined && roleOf(one) === "canary";
  const [name] = single;
  return {
    bySingle: (fields) => name !== undefined && isCanary(ofSingle(fields[name], namespace)),
    byEntry: (entry) => isCanary(ofEntry(entry, namespace)),
  };
}

/** An entry for the canary that was not there is the release's. */
function withoutOurs(
  shape: RouteShape,
  now: Raw,
  before: Raw,
  versions: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): Raw {
  const { list } = shape.copies;
  const { byEntry } = toCanary(shape, versions, namespace);
  const wasThere = (entry: unknown): boolean => listAt(before, list).some((one) => isDeepStrictEqual(one, entry));
  const isOurs = (entry: unknown): boolean => byEntry(entry) && !wasThere(entry);
  if (!listAt(now, list).some(isOurs)) return now;
  const left = listAt(now, list).filter((entry) => !isOurs(entry));
  if (left.length === 0 && Object.hasOwn(before, list)) return { ...now, [list]: left };
  return withList(now, list, left);
}

/**
 * Copies to the canary end with the first write, since it would get the requests that are its own twice, and come back
 * with the route as it was before. All other copies stay.
 */
function copiesOfOthers(
  shape: RouteShape,
  now: Raw,
  before: Raw,
  aim: Aim,
  versions: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): Raw {
  const { single, list } = shape.copies;
  const { bySingle, byEntry } = toCanary(shape, versions, namespace);
  const [one, several] = [bySingle(before), listAt(before, list).filter(byEntry)];
  const isSingleGone = single.slice(0, 1).every((name) => now[name] === undefined);
  if (aim.to === "before" || (aim.to === "split" && aim.canary === 0)) {
    const back = one && isSingleGone ? { ...now, ...only(before, single) } : now;
    if (several.length > 0) return withList(back, list, together(listAt(now, list), listAt(before, list), several));
    return back;
  }
  const without = one && bySingle(now) ? except(now, single) : now;
  const others = listAt(now, list).filter((entry) => !byEntry(entry));
  if (several.length > 0) return withList(without, list, others);
  return without;
}

/** A rule that sends no copies to the canary. */
export function withoutCopies(
  shape: Pick<RouteShape, "copies">,
  rule: Raw,
  versions: Pick<DestinationRoles, "roleOf">,
  namespace: string,
): Raw {
  const { single, list } = shape.copies;
  const { bySingle, byEntry } = toCanary(shape, versions, namespace);
  const without = bySingle(rule) ? except(rule, single) : rule;
  const others = listAt(rule, list).filter((entry) => !byEntry(entry));
  if (others.length === listAt(rule, list).length) return without;
  return withList(without, list, others);
}

const only = (fields: Raw, names: readonly string[]): Raw =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
const except = (fields: Raw, names: readonly string[]): Raw =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

const withList = (fields: Raw, name: string, entries: readonly unknown[]): Raw =>
  entries.length > 0 ? { ...fields, [name]: entries } : except(fields, [name]);

/** What was taken comes back to its place; what somebody else has put there meanwhile stays. */
function together(now: readonly unknown[], before: readonly unknown[], taken: readonly unknown[]): readonly unknown[] {
  const entries = [...now];
  for (const [at, entry] of before.entries())
    if (taken.includes(entry) && !now.some((one) => isDeepStrictEqual(one, entry))) entries.splice(at, 0, entry);
  return entries;
}
