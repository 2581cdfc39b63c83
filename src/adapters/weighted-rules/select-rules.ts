import type { RouteRule } from "../../istio/route-rule.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse, toldOnce } from "../../ports/preflight.ts";
import type { Role, RouteChoice } from "../../release/target.ts";
import { checkRule, type RouteSearch } from "./check-rule.ts";
import { destinationWord, objectWord } from "./describe.ts";
import { destinationRoles, servedBy, type VersionPair } from "./destination-roles.ts";
import { chosenRules, isMeant } from "./movable-rule.ts";
import type { RouteShape } from "./route-shape.ts";

export type Selection = {
  readonly rules: readonly RouteRule[];
  /** Why the release cannot move them; empty when it can. */
  readonly problems: readonly Finding[];
};

/** Which rules of an object the release moves, and everything that forbids it. */
export function selectRules(
  shape: RouteShape,
  object: KubernetesObject,
  choice: RouteChoice,
  pair: VersionPair,
): Selection {
  const rules = shape.rulesOf(object);
  const search: RouteSearch = { shape, choice, rules, versions: destinationRoles(shape, pair) };
  return selectAmong(search);
}

function selectAmong(search: RouteSearch): Selection {
  const { rules, problems } = search.choice.routes.length === 0 ? selectAll(search) : selectNamed(search);
  const against = rules.flatMap((rule) => checkRule(rule, search) ?? []);
  return { rules, problems: [...problems, ...toldOnce(against)] };
}

const has = ({ destinations }: RouteRule, role: Role, { versions }: RouteSearch): boolean =>
  versions.indexesOf(role, destinations).length > 0;

/** Every rule with both destinations, else every rule with stable's. */
function selectAll(search: RouteSearch): Selection {
  const { choice, rules: all, versions } = search;
  const withStable = chosenRules(all, choice, versions).filter(
    (rule) => rule.instead === undefined && has(rule, "stable", search),
  );
  const withBoth = withStable.filter((rule) => has(rule, "canary", search));
  const rules = withBoth.length > 0 ? withBoth : withStable;
  return { rules, problems: rules.length > 0 ? [] : [nothingToMove(search)] };
}

function selectNamed({ shape, choice, rules, versions }: RouteSearch): Selection {
  const unknown = [...new Set(choice.routes)].filter((word) => !rules.some((rule) => isMeant(rule, word)));
  const problems = unknown.map((word) =>
    refuse(
      `${objectWord(shape, choice)}: no ${shape.words.rule} is called "${word}" (found: ${listed(rules)}).`,
      `Correct the name, or choose a ${shape.words.rule} by its place: ${rules[0]?.place ?? "#0"} is the first.`,
    ),
  );
  return { rules: chosenRules(rules, choice, versions), problems };
}

function nothingToMove(search: RouteSearch): Finding {
  const { shape, choice, rules, versions } = search;
  const where = objectWord(shape, choice);
  const { rule: word } = shape.words;
  if (rules.length === 0) return refuse(`${where} has no ${word}.`, shape.words.toMove);
  const delegates = rules.flatMap(({ delegate }) => delegate ?? []);
  if (rules.length === delegates.length) {
    return refuse(
      `${where} hands every request to other VirtualServices: ${someOf(
        delegates.map((one) => objectWord(shape, one)),
        ", ",
      )}.`,
      `Name the ${shape.kind} that it delegates to; the weights are there.`,
    );
  }
  // Who stands there with a weight of 0 was not made stable by anybody.
  if (rules.some((rule) => servedBy(rule, versions).includes("canary"))) {
    return refuse(
      `${where}: no ${word} sends to ${destinationWord(versions.stable)}, and ${destinationWord(versions.canary)} has its requests already.`,
      "An earlier release made it the stable version: exchange stable and canary in the configuration.",
    );
  }
  return refuse(
    `${where}: no ${word} sends to ${destinationWord(versions.stable)} (found: ${listed(rules)}).`,
    `Check host and subset of stable, or name the ${shape.kind} that routes to it.`,
  );
}

/** What is there, for those who have to find the one they meant. */
const listed = (rules: readonly RouteRule[]): string => someOf(rules.map(foundWord)) || "none";

function foundWord({ name, place, instead, destinations }: RouteRule): string {
  const where = instead ?? (destinations.map(destinationWord).join(" and ") || "nowhere");
  return `${name === undefined ? place : `"${name}"`} to ${where}`;
}
