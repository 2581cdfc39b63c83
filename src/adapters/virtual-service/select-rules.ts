import type { KubernetesObject } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import type { Role, RouteChoice } from "../../release/target.ts";
import { checkRule, type RouteSearch } from "./check-rule.ts";
import { destinationWord, virtualServiceWord } from "./describe.ts";
import { destinationRoles, type VersionPair } from "./destination-roles.ts";
import { chosenRules, isMeant, type MovableRule, movableRules } from "./movable-rule.ts";

export type Selection = {
  readonly rules: readonly MovableRule[];
  /** Why the release cannot move them; empty when it can. */
  readonly problems: readonly Finding[];
};

/** Which rules of a VirtualService the release moves, and everything that forbids it. */
export function selectRules(object: KubernetesObject, choice: RouteChoice, pair: VersionPair): Selection {
  const search: RouteSearch = { choice, rules: movableRules(object), versions: destinationRoles(pair) };
  const { rules, problems } = choice.routes.length === 0 ? selectAll(search) : selectNamed(search);
  const against = rules.flatMap((rule) => checkRule(rule, search) ?? []);
  return { rules, problems: [...problems, ...new Map(against.map((one) => [one.what, one])).values()] };
}

const has = ({ destinations }: MovableRule, role: Role, { versions }: RouteSearch): boolean =>
  versions.indexesOf(role, destinations).length > 0;

/** Every rule with both destinations, else every rule with stable's. */
function selectAll(search: RouteSearch): Selection {
  const withStable = search.rules.filter((rule) => rule.instead === undefined && has(rule, "stable", search));
  const withBoth = withStable.filter((rule) => has(rule, "canary", search));
  const rules = withBoth.length > 0 ? withBoth : withStable;
  return { rules, problems: rules.length > 0 ? [] : [nothingToMove(search)] };
}

function selectNamed({ choice, rules }: RouteSearch): Selection {
  const unknown = [...new Set(choice.routes)].filter((word) => !rules.some((rule) => isMeant(rule, word)));
  const problems = unknown.map((word) =>
    refuse(
      `${virtualServiceWord(choice)}: no http route is called "${word}" (found: ${listed(rules)}).`,
      "Correct the name, or choose a route by its place: #0 is the first.",
    ),
  );
  return { rules: chosenRules(rules, choice), problems };
}

function nothingToMove(search: RouteSearch): Finding {
  const { choice, rules, versions } = search;
  const where = virtualServiceWord(choice);
  if (rules.length === 0)
    return refuse(
      `${where} has no http route.`,
      "Name a VirtualService with http routes; those of tls and tcp are not moved.",
    );
  const delegates = rules.flatMap(({ delegate }) => delegate ?? []);
  if (rules.length === delegates.length) {
    return refuse(
      `${where} hands every request to other VirtualServices: ${someOf(delegates.map(virtualServiceWord), ", ")}.`,
      "Name the VirtualService that it delegates to; the weights are there.",
    );
  }
  if (rules.some((rule) => has(rule, "canary", search))) {
    return refuse(
      `${where}: no http route sends to ${destinationWord(versions.stable)}, and ${destinationWord(versions.canary)} has its requests already.`,
      "An earlier release made it the stable version: exchange stable and canary in the configuration.",
    );
  }
  return refuse(
    `${where}: no http route sends to ${destinationWord(versions.stable)} (found: ${listed(rules)}).`,
    "Check host and subset of stable, or name the VirtualService that routes to it.",
  );
}

/** What is there, for those who have to find the one they meant. */
const listed = (rules: readonly MovableRule[]): string => someOf(rules.map(foundWord)) || "none";

function foundWord({ name, place, instead, destinations }: MovableRule): string {
  const where = instead ?? (destinations.map(destinationWord).join(" and ") || "nowhere");
  return `${name === undefined ? place : `"${name}"`} to ${where}`;
}
