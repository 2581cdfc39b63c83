import { isDeepStrictEqual } from "node:util";
import type { Raw } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { objectAt } from "../../kubernetes/field.ts";
import type { Aim } from "../../release/aim.ts";
import type { BesideWeights } from "../../release/plan.ts";
import type { Role } from "../../release/target.ts";
import type { Testers } from "../../release/testers.ts";
import { keptOn } from "./affinity.ts";
import type { AddedBefore, RuleBefore } from "./before.ts";
import { withoutCopies } from "./copies.ts";
import { ruleWord } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import type { RouteShape } from "./route-shape.ts";

/** One of the rules that a release may add before one that it moves: what it is called, whom it is for, who gets it. */
type Slot = { readonly kind: keyof typeof slotWords; readonly name: string; readonly role: Role };

const slotWords = {
  testers: "testers",
  "kept-canary": "users with the canary's cookie",
  "kept-stable": "users with stable's cookie",
};

/** By the place of the rule that it stands before. */
const nameAt = (kind: Slot["kind"], at: number): string => `istio-canary-${kind}${at === 0 ? "" : `-${at}`}`;

export const testersName = (at: number): string => nameAt("testers", at);

/** From the one that stands nearest to the rule: each is put before those that are there. */
export const slotsAt = (at: number): readonly Slot[] => [
  { kind: "kept-stable", name: nameAt("kept-stable", at), role: "stable" },
  { kind: "kept-canary", name: nameAt("kept-canary", at), role: "canary" },
  { kind: "testers", name: nameAt("testers", at), role: "canary" },
];

/** Whether a rule is called as one that a release adds. */
export const isOurName = (name: string | undefined): boolean => ourNames.test(name ?? "");

const ourNames = new RegExp(`^istio-canary-(${Object.keys(slotWords).join("|")})(-\\d+)?$`);

/** Whose requests one takes: nobody's where it is not wanted. */
function knownBy({ kind, role }: Slot, { testers = [], affinity }: Wants): readonly Testers[] {
  if (kind === "testers") return testers;
  return affinity ? keptOn(affinity, role) : [];
}

type Wants = Pick<BesideWeights, "testers" | "affinity">;

/** A rule as a release adds it: for requests that get one version, whatever the weights. */
type WantedRule = AddedBefore & { readonly fault?: Raw | undefined };

/** A rule that a release adds, or has added, before one that it moves. */
export type Addition = {
  readonly shape: RouteShape;
  readonly now: RouteRule | undefined;
  /** Undefined: it goes. */
  readonly planned: Raw | undefined;
  /** The rule before which it stands; undefined where that one is gone. */
  readonly before: RouteRule | undefined;
  readonly slot: Slot;
};

/** The match of the rule for testers: all that the rule asks, and all that they are known by. */
export const narrowedFor = (
  shape: RouteShape,
  { section, match }: Pick<RouteRule, "section" | "match">,
  testers: readonly Testers[],
): ReturnType<RouteShape["narrowed"]> =>
  section === "http"
    ? shape.narrowed(match, testers)
    : { because: "it divides connections, and testers are known by their requests" };

/** What the journal keeps, so that they are found again by whoever goes on. */
export function addedBefore(shape: RouteShape, rule: RouteRule, at: number, wants: Wants): readonly AddedBefore[] {
  return slotsAt(at).flatMap((slot) => {
    const those = knownBy(slot, wants);
    const narrowed = those.length > 0 && narrowedFor(shape, rule, those);
    if (!narrowed || "because" in narrowed) return [];
    return [{ name: slot.name, match: narrowed.match }];
  });
}

/** Those that are there of a rule: by name; where an API server has dropped names it does not know, by match. */
export function standingBeside(
  rules: readonly RouteRule[],
  { added = [], section }: RuleBefore,
  slot: Slot,
  { roleOf }: DestinationRoles,
): readonly RouteRule[] {
  const isOne = ({ destinations }: RouteRule): boolean =>
    destinations.length > 0 && destinations.every((one) => roleOf(one) === slot.role);
  const among = rules.filter((rule) => rule.section === section);
  // The name was free when the release began. One that sends elsewhere alone is somebody else's.
  const isOurs = ({ name, destinations }: RouteRule): boolean =>
    name === slot.name && destinations.some((one) => roleOf(one) !== undefined);
  const ours = among.filter(isOurs);
  if (ours.length > 0) return ours;
  return among.filter(
    (rule) =>
      rule.name === undefined &&
      isOne(rule) &&
      added.some(({ name, match }) => name === slot.name && isDeepStrictEqual(match, rule.match)),
  );
}

export const noFaults = ({ kind }: Pick<RouteShape, "kind">): string =>
  `${kind}s have no faults, so that no stage can have a drill`;

/** What has to be beside a rule, if anything, or why it cannot be said. */
function wantedBeside(
  shape: RouteShape,
  was: RuleBefore,
  slot: Slot,
  aim: Aim,
): { readonly wanted?: WantedRule } | { readonly because: string } {
  if (aim.to !== "split") return {};
  const those = knownBy(slot, aim);
  if (those.length === 0) return {};
  const narrowed = narrowedFor(shape, { section: was.section, match: was.match }, those);
  if ("because" in narrowed) return narrowed;
  const drill = slot.kind === "testers" ? aim.drill : undefined;
  if (drill && !shape.fault) return { because: noFaults(shape) };
  return { wanted: { name: slot.name, match: narrowed.match, fault: drill && shape.fault?.(drill) } };
}

/** A rule of a release, where it stands now, and what stands beside it. */
export type Beside = {
  readonly was: RuleBefore;
  readonly slot: Slot;
  readonly rule: RouteRule | undefined;
  readonly standing: readonly RouteRule[];
  /** Each version's destination in it. */
  readonly destinations: Readonly<Record<Role, Raw>>;
};

/** What comes, changes and goes beside a rule. */
export function additionsTo(
  shape: RouteShape,
  { was, slot, rule, standing, destinations }: Beside,
  aim: Aim,
  versions: DestinationRoles,
  namespace: string,
): { readonly additions: readonly Addition[]; readonly trouble?: string } {
  const goes = (now: RouteRule): Addition => ({ shape, now, planned: undefined, before: rule, slot });
  const due = wantedBeside(shape, was, slot, aim);
  if ("because" in due) return { additions: standing.map(goes), trouble: `${ruleWord(shape, was)}: ${due.because}` };
  const { wanted } = due;
  if (!wanted || !rule) return { additions: standing.map(goes) };
  const [now, ...others] = standing.filter(({ index }) => index < rule.index);
  const misplaced = standing.filter(({ index }) => index > rule.index);
  const gone = [...others, ...misplaced].map(goes);
  const fresh = written(shape, rule, wanted, destinations[slot.role], versions, namespace);
  const isAsPlanned = now !== undefined && isSame(shape, now, fresh, slot.role, versions, namespace);
  const planned = isAsPlanned ? now.raw : fresh;
  return { additions: [...gone, { shape, now, planned, before: rule, slot }] };
}

/** The rule itself, but for those that it asks for and who gets them. Nothing is done twice by a copy. */
function written(
  shape: RouteShape,
  { raw }: RouteRule,
  { name, match, fault }: WantedRule,
  destination: Raw,
  versions: DestinationRoles,
  namespace: string,
): Raw {
  const rest = withoutCopies(shape, raw, versions, namespace);
  return {
    ...rest,
    ...(fault && { fault }),
    name,
    [shape.match]: match,
    [shape.destinations]: [shape.alone(destination)],
  };
}

/**
 * Of a rule of ours it matters who gets what. Everything else is as the rule beside it was when it was written, and may
 * be changed in both.
 */
function isSame(
  shape: RouteShape,
  now: RouteRule,
  fresh: Raw,
  role: Role,
  versions: DestinationRoles,
  namespace: string,
): boolean {
  const [only, ...more] = now.destinations;
  const isToIts = only !== undefined && more.length === 0 && only.counts > 0 && versions.roleOf(only) === role;
  const decided = [shape.match, "fault", "redirect", "directResponse", "delegate"];
  return (
    isToIts &&
    decided.every((field) => isDeepStrictEqual(now.raw[field], fresh[field])) &&
    isDeepStrictEqual(withoutCopies(shape, now.raw, versions, namespace), objectAt(now.raw))
  );
}

export const isChanged = ({ now, planned }: Addition): boolean => now?.raw !== planned;

/** How it is, and how it should be. */
export function additionWord({ shape, now, planned, slot: { name, kind } }: Addition): string {
  const word = ruleWord(shape, now ?? { name, index: 0, section: "http" });
  const whom = slotWords[kind];
  if (planned === undefined) return `${word}, which a release added for ${whom}, is still there`;
  if (now) return `${word}, which is for ${whom}, was changed`;
  return `${word}, which is for ${whom}, is not there`;
}
