import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { RouteChoice } from "../../release/target.ts";
import { checkRule, refuse, type Scene } from "./check.ts";
import { delegateWord, destinationWord, routeWord, someOf, virtualServiceWord } from "./describe.ts";
import { type Pair, type Role, type Versions, versionsIn } from "./role.ts";
import { type Rule, rulesOf } from "./rule.ts";

export type Selection = {
  readonly rules: readonly Rule[];
  /** Why the release cannot move them; empty when it can. */
  readonly problems: readonly Finding[];
};

/** Which rules of a VirtualService the release moves, and everything that forbids it. */
export function selectRules(object: KubernetesObject, choice: RouteChoice, pair: Pair): Selection {
  const scene: Scene = { choice, rules: rulesOf(object), versions: versionsIn(choice.namespace, pair), pair };
  const { rules, problems } = choice.routes.length === 0 ? selectAll(scene) : selectNamed(scene);
  const against = rules.flatMap((rule) => checkRule(rule, scene));
  return { rules, problems: [...problems, ...new Map(against.map((one) => [one.what, one])).values()] };
}

const has = (rule: Rule, role: Role, { indexesOf }: Versions): boolean => indexesOf(role, rule.entries).length > 0;

/** Every rule with both destinations, else every rule with stable's. */
function selectAll(scene: Scene): Selection {
  const withStable = scene.rules.filter((rule) => rule.instead === undefined && has(rule, "stable", scene.versions));
  const withBoth = withStable.filter((rule) => has(rule, "canary", scene.versions));
  const rules = withBoth.length > 0 ? withBoth : withStable;
  return { rules, problems: rules.length > 0 ? [] : [nothingFound(scene)] };
}

function selectNamed({ choice, rules }: Scene): Selection {
  const answers = [...new Set(choice.routes)].map((wanted) => ({
    wanted,
    found: rules.filter(({ name, index }) => wanted === name || wanted === `#${index}`),
  }));
  const unknown = answers.filter(({ found }) => found.length === 0).map(({ wanted }) => wanted);
  return {
    rules: [...new Set(answers.flatMap(({ found }) => found))],
    problems: unknown.map((wanted) =>
      refuse(
        `${virtualServiceWord(choice)}: no http route is called "${wanted}" (found: ${listed(rules)}).`,
        "Correct the name, or choose a route by its place: #0 is the first.",
      ),
    ),
  };
}

function nothingFound({ choice, rules, versions, pair }: Scene): Finding {
  const where = virtualServiceWord(choice);
  if (rules.length === 0)
    return refuse(
      `${where} has no http route.`,
      "Name a VirtualService with http routes; those of tls and tcp are not moved.",
    );
  const delegates = rules
    .filter(({ instead }) => instead === "delegate")
    .map(({ raw }) => delegateWord(raw.delegate, choice.namespace));
  if (rules.length === delegates.length) {
    return refuse(
      `${where} hands every request to other VirtualServices: ${someOf(delegates, ", ")}.`,
      "Name the VirtualService that it delegates to; the weights are there.",
    );
  }
  if (rules.some((rule) => has(rule, "canary", versions))) {
    return refuse(
      `${where}: no http route sends to ${destinationWord(pair.stable)}, and ${destinationWord(pair.canary)} has its requests already.`,
      "An earlier release made it the stable version: exchange stable and canary in the configuration.",
    );
  }
  return refuse(
    `${where}: no http route sends to ${destinationWord(pair.stable)} (found: ${listed(rules)}).`,
    "Check host and subset of stable, or name the VirtualService that routes to it.",
  );
}

/** What is there, for those who have to find the one they meant. */
const listed = (rules: readonly Rule[]): string => someOf(rules.map(ruleWord)) || "none";

const ruleWord = (rule: Rule): string =>
  `${routeWord(rule).slice("route ".length)} to ${rule.instead ?? (rule.entries.map(destinationWord).join(" and ") || "nowhere")}`;
