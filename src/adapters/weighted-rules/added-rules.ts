import { isDeepStrictEqual } from "node:util";
import type { Raw } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { objectAt } from "../../kubernetes/field.ts";
import type { Aim } from "../../release/aim.ts";
import type { Testers } from "../../release/testers.ts";
import type { AddedBefore, RuleBefore } from "./before.ts";
import { withoutCopiesOf } from "./copies.ts";
import { ruleWord } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import type { RouteShape } from "./route-shape.ts";

/** What the rules that a release adds are called, by the place of the rule that each stands before. */
export const testersName = (at: number): string => `istio-canary-testers${at === 0 ? "" : `-${at}`}`;

/** Whether a rule is called as one that a release adds. */
export const isOurName = (name: string | undefined): boolean => /^istio-canary-testers(-\d+)?$/.test(name ?? "");

/** A rule as a release adds it: for requests that get the canary, whatever the weights. */
type WantedRule = AddedBefore & { readonly fault?: Raw | undefined };

/** A rule that a release adds, or has added, before one that it moves. */
export type Addition = {
  readonly shape: RouteShape;
  readonly now: RouteRule | undefined;
  /** Undefined: it goes. */
  readonly planned: Raw | undefined;
  /** The rule before which it stands; undefined where that one is gone. */
  readonly before: RouteRule | undefined;
  readonly name: string;
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
export function addedBefore(
  shape: RouteShape,
  rule: RouteRule,
  at: number,
  testers: readonly Testers[],
): readonly AddedBefore[] {
  if (testers.length === 0) return [];
  const narrowed = narrowedFor(shape, rule, testers);
  if ("because" in narrowed) return [];
  return [{ name: testersName(at), match: narrowed.match }];
}

/** Those that are there of a rule: by name; where an API server has dropped names it does not know, by match. */
export function standingBeside(
  rules: readonly RouteRule[],
  { added = [], section }: RuleBefore,
  at: number,
  { roleOf }: DestinationRoles,
): readonly RouteRule[] {
  const isOne = ({ destinations }: RouteRule): boolean =>
    destinations.length > 0 && destinations.every((one) => roleOf(one) === "canary");
  const among = rules.filter((rule) => rule.section === section);
  // The name was free when the release began. One that sends elsewhere alone is somebody else's.
  const isOurs = ({ name, destinations }: RouteRule): boolean =>
    name === testersName(at) && destinations.some((one) => roleOf(one) !== undefined);
  const ours = among.filter(isOurs);
  if (ours.length > 0) return ours;
  return among.filter(
    (rule) => rule.name === undefined && isOne(rule) && added.some(({ match }) => isDeepStrictEqual(match, rule.match)),
  );
}

export const noFaults = ({ kind }: Pick<RouteShape, "kind">): string =>
  `${kind}s have no faults, so that no stage can have a drill`;

/** What has to be beside a rule, if anything, or why it cannot be said. */
function wantedBeside(
  shape: RouteShape,
  was: RuleBefore,
  at: number,
  aim: Aim,
): { readonly wanted?: WantedRule } | { readonly because: string } {
  const testers = aim.to === "split" ? (aim.testers ?? []) : [];
  if (testers.length === 0) return {};
  const narrowed = narrowedFor(shape, { section: was.section, match: was.match }, testers);
  if ("because" in narrowed) return narrowed;
  const drill = aim.to === "split" ? aim.drill : undefined;
  if (drill && !shape.fault) return { because: noFaults(shape) };
  return { wanted: { name: testersName(at), match: narrowed.match, fault: drill && shape.fault?.(drill) } };
}

/** A rule of a release, where it stands now, and what stands beside it. */
export type Beside = {
  readonly was: RuleBefore;
  readonly at: number;
  readonly rule: RouteRule | undefined;
  readonly standing: readonly RouteRule[];
  /** The canary's destination in it. */
  readonly canary: Raw;
};

/** What comes, changes and goes beside a rule. */
export function additionsTo(
  shape: RouteShape,
  { was, at, rule, standing, canary }: Beside,
  aim: Aim,
  versions: DestinationRoles,
  namespace: string,
): { readonly additions: readonly Addition[]; readonly trouble?: string } {
  const goes = (now: RouteRule): Addition => ({ shape, now, planned: undefined, before: rule, name: testersName(at) });
  const due = wantedBeside(shape, was, at, aim);
  if ("because" in due || !rule) {
    const trouble = "because" in due ? { trouble: `${ruleWord(shape, was)}: ${due.because}` } : {};
    return { additions: standing.map(goes), ...trouble };
  }
  const [now, ...others] = standing.filter(({ index }) => index < rule.index);
  const misplaced = standing.filter(({ index }) => index > rule.index);
  const { wanted } = due;
  const gone = [...(wanted ? [] : [now]), ...others, ...misplaced].flatMap((one) => (one ? [goes(one)] : []));
  if (!wanted) return { additions: gone };
  const fresh = written(shape, rule, wanted, canary, versions, namespace);
  const isAsPlanned = now !== undefined && isSame(shape, now, fresh, versions, namespace);
  const planned = isAsPlanned ? now.raw : fresh;
  return { additions: [...gone, { shape, now, planned, before: rule, name: wanted.name }] };
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
  const rest = withoutCopiesOf(shape, raw, "canary", versions, namespace);
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
function isSame(shape: RouteShape, now: RouteRule, fresh: Raw, versions: DestinationRoles, namespace: string): boolean {
  const [only, ...more] = now.destinations;
  const isToCanary = only !== undefined && more.length === 0 && only.counts > 0 && versions.roleOf(only) === "canary";
  const decided = [shape.match, "fault", "redirect", "directResponse", "delegate"];
  return (
    isToCanary &&
    decided.every((field) => isDeepStrictEqual(now.raw[field], fresh[field])) &&
    isDeepStrictEqual(withoutCopiesOf(shape, now.raw, "canary", versions, namespace), objectAt(now.raw))
  );
}

export const isChanged = ({ now, planned }: Addition): boolean => now?.raw !== planned;

/** How it is, and how it should be. */
export function additionWord({ shape, now, planned, name }: Addition): string {
  const word = ruleWord(shape, now ?? { name, index: 0, section: "http" });
  if (planned === undefined) return `${word}, which a release added for testers, is still there`;
  if (now) return `${word}, which is for testers, was changed`;
  return `${word}, which is for testers, is not there`;
}
