import { isDeepStrictEqual } from "node:util";
import type { Finding } from "../../ports/preflight.ts";
import type { RouteChoice } from "../../release/target.ts";
import { delegateWord, destinationWord, percentWord, routeWord, splitWord, virtualServiceWord } from "./describe.ts";
import { isWeight } from "./patch.ts";
import { repeated } from "./plan.ts";
import type { Pair, Versions } from "./role.ts";
import { type Entry, type Rule, sumOf, trafficOf } from "./rule.ts";

/** One VirtualService in which a release looks for its routes. */
export type Scene = {
  readonly choice: RouteChoice;
  readonly rules: readonly Rule[];
  readonly versions: Versions;
  readonly pair: Pair;
};

/** A reason why a release cannot move a rule. */
type Check = (rule: Rule, scene: Scene, where: string) => Finding | undefined;

/** The first that applies is told: the later ones would only follow from it. */
const checks: readonly Check[] = [
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

export function checkRule(rule: Rule, scene: Scene): readonly Finding[] {
  const where = `${virtualServiceWord(scene.choice)}: ${routeWord(rule)}`;
  for (const check of checks) {
    const found = check(rule, scene, where);
    if (found) return [found];
  }
  return [];
}

export const refuse = (what: string, next: string): Finding => ({ level: "refuse", what, next });

const exchange = "exchange stable and canary in the configuration.";

function dividesNothing({ instead, raw }: Rule, { choice }: Scene, where: string): Finding | undefined {
  if (instead === undefined) return undefined;
  return instead === "delegate"
    ? refuse(
        `${where} delegates to ${delegateWord(raw.delegate, choice.namespace)}.`,
        "Name that VirtualService instead; the weights are there.",
      )
    : refuse(`${where} answers with ${instead} and divides nothing.`, "Choose a route with destinations.");
}

function sharesItsName({ name }: Rule, { rules }: Scene, where: string): Finding | undefined {
  const namesakes = rules.filter((other) => name !== undefined && other.name === name).length;
  return namesakes > 1
    ? refuse(`${where} is one of ${namesakes} of that name.`, "Give every http route a name of its own.")
    : undefined;
}

/** Of two such rules Istio never reaches the second, and between two readings nobody could say which is which. */
function isLikeAnother(rule: Rule, { rules, versions }: Scene, where: string): Finding | undefined {
  const twin = rules.find(
    (other) =>
      other !== rule &&
      other.name === rule.name &&
      isDeepStrictEqual(other.match, rule.match) &&
      other.entries.some(versions.roleOf),
  );
  return (
    twin &&
    refuse(
      `${where} cannot be told from ${routeWord(twin)}: they have the same match, no name, and both serve the release.`,
      "Remove the second, or give each a name.",
    )
  );
}

function namesAVersionTwice({ entries }: Rule, { versions }: Scene, where: string): Finding | undefined {
  const [twice] = repeated(entries, versions);
  return twice === undefined
    ? undefined
    : refuse(
        `${where} names ${twice} more than once (${entries.map(destinationWord).join(", ")}), so it is not clear whose weight counts.`,
        "Leave one destination for each version (Kiali calls this KIA1105).",
      );
}

function lacksStable({ entries }: Rule, { versions, pair }: Scene, where: string): Finding | undefined {
  const present = new Set(entries.map(versions.roleOf));
  if (present.has("stable")) return undefined;
  return present.has("canary")
    ? refuse(
        `${where} sends to ${destinationWord(pair.canary)} already, and not to ${destinationWord(pair.stable)}.`,
        `If an earlier release made it the stable version, ${exchange}`,
      )
    : refuse(
        `${where} does not send to ${destinationWord(pair.stable)} (found: ${entries.map(destinationWord).join(", ") || "nothing"}).`,
        "Choose a route of the service, or correct stable's host and subset.",
      );
}

function hasAnOddWeight({ entries }: Rule, _: Scene, where: string): Finding | undefined {
  const odd = entries.find(({ weight }) => !isWeight(weight));
  return (
    odd &&
    refuse(
      `${where}: the weight of ${destinationWord(odd)} is ${JSON.stringify(odd.weight)}.`,
      "Weights are whole numbers from 0 on, without quotes; a template may have written something else.",
    )
  );
}

function lacksAHost({ entries }: Rule, _: Scene, where: string): Finding | undefined {
  return entries.some(({ host }) => host === "")
    ? refuse(`${where} has a destination without a host.`, "Give it one, or remove it.")
    : undefined;
}

function sumsToNothing({ entries }: Rule, _: Scene, where: string): Finding | undefined {
  return entries.length > 1 && sumOf(entries) === 0
    ? refuse(
        `${where}: the weights of its ${entries.length} destinations sum to 0.`,
        "Give the version that serves now a weight of 100; an omitted weight counts as 0.",
      )
    : undefined;
}

function servesTheCanary({ entries }: Rule, { versions }: Scene, where: string): Finding | undefined {
  const traffic = canaryTraffic(entries, versions);
  if (traffic === 0) return undefined;
  const omitted = entries.some((entry) => versions.roleOf(entry) === "stable" && entry.weight === undefined)
    ? "; stable's omitted weight counts as 0"
    : "";
  return refuse(
    `${where} sends ${percentWord(traffic)} of its requests to the canary already (${splitWord(entries)}${omitted}).`,
    traffic === 1
      ? `If the canary is the version that should serve now, ${exchange} Else give stable its weight back first.`
      : "Give stable its weight back first; `istio-canary rollback` does it after a release that was left behind.",
  );
}

/** The canary's part of a rule's requests, 0 to 1. */
export function canaryTraffic(entries: readonly Entry[], { roleOf }: Versions): number {
  const canary = entries.find((entry) => roleOf(entry) === "canary");
  return canary ? trafficOf(canary, entries) : 0;
}

function isTooSmall({ entries }: Rule, { versions }: Scene, where: string): Finding | undefined {
  const ours = entries.filter((entry) => versions.roleOf(entry) !== undefined);
  if (sumOf(ours) === sumOf(entries) || sumOf(ours) >= 2) return undefined;
  return sumOf(ours) === 0
    ? refuse(
        `${where} sends no request to stable now (${splitWord(entries)}).`,
        "Give stable a weight first, or choose another route.",
      )
    : refuse(
        `${where}: stable's weight is 1 of ${sumOf(entries)}, which cannot be divided between two versions (${splitWord(entries)}).`,
        "Multiply every weight of the route by 100; Istio takes weights as proportions.",
      );
}
