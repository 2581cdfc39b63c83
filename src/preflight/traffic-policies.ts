import { isDeepStrictEqual } from "node:util";
import { rulesFor, subsetFor } from "../istio/destination-rule.ts";
import { objectAt } from "../kubernetes/field.ts";
import { someOf } from "../lib/some-of.ts";
import { type Finding, warn } from "../ports/preflight.ts";
import type { Role } from "../release/target.ts";
import { listed } from "./finding.ts";
import type { Scene } from "./scene.ts";

/** What callers do with requests to one version and not with those to the other: it looks like a fault of the version. */
export function trafficPoliciesAreAlike(scene: Scene): readonly Finding[] {
  const [stable, canary] = [policyFor("stable", scene), policyFor("canary", scene)];
  if (!stable || !canary) return [];
  const keys = [...new Set([...Object.keys(stable.policy), ...Object.keys(canary.policy)])];
  const unlike = keys.filter((key) => !isDeepStrictEqual(stable.policy[key], canary.policy[key]));
  if (unlike.length === 0) return [];
  const rules = [...new Set([...stable.rules, ...canary.rules])];
  const values = unlike.flatMap((key) => differencesIn(key, stable.policy[key], canary.policy[key]));
  const meets =
    unlike.map((key) => effects[key]).find((effect) => effect !== undefined) ?? "they may differ in what callers meet";
  return [
    warn(
      `${listed(rules)} treats the two versions differently (trafficPolicy: ${listed(unlike)}), so ${meets}, whatever their code does: ${someOf(values)}.`,
      "Give both the same, in the rule or in both subsets.",
    ),
  ];
}

/** What callers meet where a part of the policy is another one. */
const effects: Readonly<Record<string, string>> = {
  connectionPool: "one of them refuses requests (503 UO) where the other would take them",
  outlierDetection: "pods of one are left out after errors that the other's are forgiven",
  tls: "callers may not reach one of them",
};

/** `connectionPool.http.maxRetries: 3 for stable, nothing for the canary`, for each value that differs. */
function differencesIn(path: string, stable: unknown, canary: unknown): readonly string[] {
  if (isDeepStrictEqual(stable, canary)) return [];
  const [one, other] = [objectAt(stable), objectAt(canary)];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  if (keys.length > 0) return keys.flatMap((key) => differencesIn(`${path}.${key}`, one[key], other[key]));
  return [`${path}: ${valueWord(stable)} for stable, ${valueWord(canary)} for the canary`];
}

const valueWord = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

type PolicyFor = { readonly policy: Readonly<Record<string, unknown>>; readonly rules: readonly string[] };

/** What a subset says goes before what its rule says, part by part. Undefined where the subset is still to be added. */
function policyFor(role: Role, { target, hosts, destinationRules }: Scene): PolicyFor | undefined {
  const { subset } = target[role];
  const rules = rulesFor(destinationRules, hosts[role]);
  const chosen = subset === undefined ? undefined : subsetFor(destinationRules, hosts[role], subset);
  if (subset !== undefined && !chosen) return undefined;
  const general = rules.map(({ object }) => objectAt(object, "spec", "trafficPolicy"));
  return {
    policy: Object.assign({}, ...general, objectAt(chosen?.raw, "trafficPolicy")),
    rules: rules.map(({ word }) => word),
  };
}
