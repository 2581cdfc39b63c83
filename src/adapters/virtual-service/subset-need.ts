import type { Raw } from "../../istio/destination.ts";
import { type DestinationRule, rulesFor } from "../../istio/destination-rule.ts";
import { isWildcard, readHost, sameHost } from "../../istio/host.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import { DeniedError } from "../../lib/errors.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import { configuredLabels, type Role, type Target } from "../../release/target.ts";
import { canaryHost, ruleNamespace } from "./own-rule.ts";

/**
 * The pod labels that tell one version from the other: what its subset has to select. Undefined when there are none.
 */
export type SubsetLabels = (of: Role) => Promise<Labels | undefined>;

/** What the mesh knows of the subsets that the routes will name. */
export type SubsetNeed = {
  /** The versions whose subset no DestinationRule has; empty as long as the canary's is there. */
  readonly missing: readonly Role[];
  /** The rule for the host, the user's unless only ours is left. */
  readonly beside: DestinationRule | undefined;
  /** Stable's subset, as its rule writes it. */
  readonly model: Raw | undefined;
  readonly problem: Finding | undefined;
};

/** Pure. `destinationRules` are those of the service's namespace. */
export function subsetNeed(destinationRules: readonly KubernetesObject[], target: Target): SubsetNeed {
  const { canary, stable, namespace } = target;
  const host = canaryHost(target);
  const rules = rulesFor(destinationRules, host);
  const named = (name: string | undefined): Raw | undefined =>
    rules.flatMap(({ subsets }) => subsets).find((subset) => name !== undefined && subset.name === name)?.raw;
  const wide = rules.find((rule) => isWildcard(rule.host));
  const need = { beside: wide ? undefined : rules[0], model: named(stable.subset), problem: undefined };
  if (!canary.subset || named(canary.subset)) return { ...need, missing: [] };

  const lacksBoth = stable.subset && !need.model && sameHost(readHost(stable.host, namespace), host);
  return {
    ...need,
    missing: lacksBoth ? ["stable", "canary"] : ["canary"],
    problem: wide && hidden(wide, target),
  };
}

const hidden = ({ word, host }: DestinationRule, { canary }: Target): Finding =>
  refuse(
    `${word} for ${host.text} has no subset ${canary.subset}, and a rule for ${canary.host} alone would switch off the wide one's settings.`,
    `Add the subset ${canary.subset} to it.`,
  );

/**
 * The missing subsets: as stable's is written, with its traffic policy, but for name and labels. Rejects when nobody
 * knows the labels.
 */
export function missingSubsets(
  missing: readonly Role[],
  { model }: SubsetNeed,
  target: Target,
  labelsOf: SubsetLabels,
): Promise<readonly Raw[]> {
  return Promise.all(
    missing.map(async (role) => {
      const given = role === "canary" ? configuredLabels(target) : {};
      const labels = Object.keys(given).length > 0 ? given : await labelsOf(role);
      if (!labels || Object.keys(labels).length === 0) throw unknownLabels(role, target);
      return { ...model, name: target[role].subset, labels };
    }),
  );
}

function unknownLabels(role: Role, target: Target): DeniedError {
  const { subset, deployment, host } = target[role];
  return new DeniedError(
    `No DestinationRule in namespace ${ruleNamespace(target)} has the subset ${subset} of ${host}, and no label is known that only the pods of ${deployment} have.`,
    {
      next: `Add to the DestinationRule for ${host}: subsets: [{name: ${subset}, labels: {version: …}}], with a label of those pods.`,
    },
  );
}
