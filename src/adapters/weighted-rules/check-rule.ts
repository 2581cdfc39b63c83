import { isDeepStrictEqual } from "node:util";
import { isWeight, sumOf, trafficOf, type WeightedDestination } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { percentWord, plural } from "../../lib/numbers.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import type { RouteChoice } from "../../release/target.ts";
import { destinationWord, objectWord, ruleWord, splitWord } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import { repeated } from "./plan-moves.ts";
import type { RouteShape } from "./route-shape.ts";

/** One object in which a release looks for its routes. */
export type RouteSearch = {
  readonly shape: RouteShape;
  readonly choice: RouteChoice;
  readonly rules: readonly RouteRule[];
  readonly versions: DestinationRoles;
};

/** A reason why a release cannot move a rule. */
type RuleCheck = (rule: RouteRule, search: RouteSearch, where: string) => Finding | undefined;

/** The first that applies is told: the later ones would only follow from it. */
const checks: readonly RuleCheck[] = [
  dividesNothing,
  sharesItsName,
  isLikeAnother,
  namesAVersionTwice,
  lacksStable,
  hasAnOddWeight,
  lacksAHost,
  sumsToNothing,
  servesTheCanary,
  isTooSmall,
];

export function checkRule(rule: RouteRule, search: RouteSearch): Finding | undefined {
  const where = `${objectWord(search.shape, search.choice)}: ${ruleWord(search.shape, rule)}`;
  for (const check of checks) {
    const finding = check(rule, search, where);
    if (finding) return finding;
  }
  return undefined;
}

const exchange = "exchange stable and canary in the configuration.";

function dividesNothing({ instead, delegate }: RouteRule, { shape }: RouteSearch, where: string): Finding | undefined {
  if (instead === undefined) return undefined;
  if (delegate)
    return refuse(
      `${where} delegates to ${objectWord(shape, delegate)}.`,
      `Name that ${shape.kind} instead; the weights are there.`,
    );
  return refuse(
    `${where} answers with ${instead} and divides nothing.`,
    `Choose a ${shape.words.rule} with destinations.`,
  );
}

function sharesItsName({ name }: RouteRule, { shape, rules }: RouteSearch, where: string): Finding | undefined {
  const namesakes = rules.filter((other) => name !== undefined && other.name === name).length;
  if (namesakes <= 1) return undefined;
  return refuse(`${where} is one of ${namesakes} of that name.`, `Give every ${shape.words.rule} a name of its own.`);
}

/** Of two such rules Istio never reaches the second, and between two readings nobody could say which is which. */
function isLikeAnother(rule: RouteRule, { shape, rules, versions }: RouteSearch, where: string): Finding | undefined {
  const twin = rules.find(
    (other) =>
      other !== rule &&
      other.section === rule.section &&
      other.name === rule.name &&
      isDeepStrictEqual(other.match, rule.match) &&
      other.destinations.some(versions.roleOf),
  );
  if (!twin) return undefined;
  return refuse(
    `${where} cannot be told from ${ruleWord(shape, twin)}: they have the same match, no name, and both serve the release.`,
    rule.section === "http" ? "Remove the second, or give each a name." : "Remove the second.",
  );
}

function namesAVersionTwice(
  { destinations }: RouteRule,
  { versions }: RouteSearch,
  where: string,
): Finding | undefined {
  const [twice] = repeated(destinations, versions);
  if (twice === undefined) return undefined;
  return refuse(
    `${where} names ${twice} more than once (${destinations.map(destinationWord).join(", ")}), so it is not clear whose weight counts.`,
    "Leave one destination for each version (Kiali calls this KIA1105).",
  );
}

function lacksStable(
  { destinations }: RouteRule,
  { shape, versions }: RouteSearch,
  where: string,
): Finding | undefined {
  const present = new Set(destinations.map(versions.roleOf));
  if (present.has("stable")) return undefined;
  if (present.has("canary"))
    return refuse(
      `${where} sends to ${destinationWord(versions.canary)} already, and not to ${destinationWord(versions.stable)}.`,
      `If an earlier release made it the stable version, ${exchange}`,
    );
  return refuse(
    `${where} does not send to ${destinationWord(versions.stable)} (found: ${destinations.map(destinationWord).join(", ") || "nothing"}).`,
    `Choose a ${shape.words.rule} of the service, or correct stable's host and subset.`,
  );
}

function hasAnOddWeight({ destinations }: RouteRule, _: RouteSearch, where: string): Finding | undefined {
  const odd = destinations.find(({ weight }) => !isWeight(weight));
  if (!odd) return undefined;
  return refuse(
    `${where}: the weight of ${destinationWord(odd)} is ${JSON.stringify(odd.weight)}.`,
    "Weights are whole numbers from 0 on, without quotes; a template may have written something else.",
  );
}

function lacksAHost({ destinations }: RouteRule, _: RouteSearch, where: string): Finding | undefined {
  if (destinations.every(({ host }) => host.text !== "")) return undefined;
  return refuse(`${where} has a destination without a host.`, "Give it one, or remove it.");
}

function sumsToNothing({ destinations }: RouteRule, _: RouteSearch, where: string): Finding | undefined {
  if (destinations.length === 0 || sumOf(destinations) > 0) return undefined;
  const omitted = destinations.some(({ weight }) => weight === undefined) ? "; an omitted weight counts as 0" : "";
  return refuse(
    `${where}: the weights of its ${destinations.length} ${plural(destinations.length, "destination")} sum to 0.`,
    `Give the version that serves now a weight of 100${omitted}.`,
  );
}

function servesTheCanary({ destinations }: RouteRule, { versions }: RouteSearch, where: string): Finding | undefined {
  const traffic = canaryTraffic(destinations, versions);
  if (traffic === 0) return undefined;
  const isOmitted = destinations.some(
    (one) => versions.roleOf(one) === "stable" && one.weight === undefined && one.counts === 0,
  );
  const omitted = isOmitted ? "; stable's omitted weight counts as 0" : "";
  const finding = refuse(
    `${where} sends ${percentWord(traffic)} of its requests to the canary already (${splitWord(destinations)}${omitted}).`,
    traffic === 1
      ? `If the canary is the version that should serve now, ${exchange} Else give stable its weight back first.`
      : "Give stable its weight back first; `istio-canary rollback` does it after a release that was left behind.",
  );
  return { ...finding, canaryServes: true };
}

/** The canary's part of a rule's requests, 0 to 1. */
export function canaryTraffic(destinations: readonly WeightedDestination[], { roleOf }: DestinationRoles): number {
  const canary = destinations.find((one) => roleOf(one) === "canary");
  if (canary) return trafficOf(canary, destinations);
  return 0;
}

function isTooSmall({ destinations }: RouteRule, { shape, versions }: RouteSearch, where: string): Finding | undefined {
  const [share, sum] = [sumOf(destinations.filter(versions.roleOf)), sumOf(destinations)];
  if (share === sum || share >= 2) return undefined;
  if (share === 0)
    return refuse(
      `${where} sends no request to stable now (${splitWord(destinations)}).`,
      `Give stable a weight first, or choose another ${shape.words.rule}.`,
    );
  return refuse(
    `${where}: stable's weight is 1 of ${sum}, which cannot be divided between two versions (${splitWord(destinations)}).`,
    `Multiply every weight of the ${shape.words.rule} by 100; Istio takes weights as proportions.`,
  );
}
