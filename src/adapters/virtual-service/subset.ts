import { managedBy } from "../../kubernetes/mark.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { refuse } from "./check.ts";
import { firstLabel, namespaceOf, resolveHost, sameHost } from "./host.ts";
import type { Role } from "./role.ts";
import { isRaw, type Raw, rawList } from "./rule.ts";

type Labels = Readonly<Record<string, string>>;

/** The pod labels that tell one version from the other: what its subset has to select. Undefined when there are none. */
export type SubsetLabels = (of: Role) => Promise<Labels | undefined>;

/** A subset of ours lives in a DestinationRule of our own, which Istio merges with the user's of the same host. */
export const ownRuleName = (service: string): string => `istio-canary-${service}`;

/** DestinationRules are looked for where the service is: the one place where one of ours merges with them. */
export const ruleNamespace = ({ namespace, canary }: Target): string =>
  namespaceOf(canary.host, namespace) ?? namespace;

export const ruleWord = ({ metadata }: KubernetesObject): string =>
  `DestinationRule ${metadata.namespace ?? ""}/${metadata.name}`;
export const subsetsOf = (rule: KubernetesObject): readonly Raw[] => rawList(specOf(rule).subsets);
export const isOurs = ({ metadata }: KubernetesObject): boolean => metadata.labels?.[managedBy.key] === managedBy.value;

const specOf = ({ spec }: KubernetesObject): Raw => (isRaw(spec) ? spec : {});
const hostOf = (rule: KubernetesObject): string => String(specOf(rule).host ?? "");
const isWildcard = (host: string): boolean => host.startsWith("*");

/** What the mesh knows of the subsets that the routes will name. */
export type SubsetNeed = {
  /** The versions whose subset no DestinationRule has; empty as long as the canary's is there. */
  readonly missing: readonly Role[];
  /** The rule for the host, the user's unless only ours is left. */
  readonly beside: KubernetesObject | undefined;
  /** Stable's subset, as its rule writes it. */
  readonly model: Raw | undefined;
  readonly problem: Finding | undefined;
};

/** Pure. `rules` are the DestinationRules of the service's namespace. */
export function subsetNeed(rules: readonly KubernetesObject[], target: Target): SubsetNeed {
  const { canary, stable, namespace } = target;
  const covering = rules.filter((rule) => covers(rule, target));
  const exact = covering.filter((rule) => !isWildcard(hostOf(rule)));
  const named = (subset: string | undefined): Raw | undefined =>
    covering.flatMap(subsetsOf).find(({ name }) => subset !== undefined && name === subset);
  const [beside] = exact;
  const known = { beside, model: named(stable.subset) };
  if (!canary.subset || named(canary.subset)) return { ...known, missing: [], problem: undefined };

  const oneHost = sameHost(resolveHost(stable.host, namespace), resolveHost(canary.host, namespace));
  const [wide] = exact.length === 0 ? covering : [];
  return {
    ...known,
    missing: stable.subset && oneHost && !known.model ? ["stable", "canary"] : ["canary"],
    problem:
      wide &&
      refuse(
        `${ruleWord(wide)} for ${hostOf(wide)} has no subset ${canary.subset}, and a rule for ${canary.host} alone would switch off the wide one's settings.`,
        `Add the subset ${canary.subset} to it.`,
      ),
  };
}

/** Whether a rule is for the canary's host, by its name or by a wildcard. */
export function covers(rule: KubernetesObject, target: Target): boolean {
  const host = hostOf(rule);
  const wanted = resolveHost(target.canary.host, target.namespace);
  if (!isWildcard(host)) return sameHost(resolveHost(host, ruleNamespace(target)), wanted);
  return [wanted.name, `${wanted.name}.svc.${wanted.domain ?? "cluster.local"}`].some((name) =>
    name.endsWith(host.slice(1)),
  );
}

/** The missing subsets: as stable's is written, with its traffic policy, but for name and labels. Rejects when nobody knows the labels. */
export function subsetsFor(
  missing: readonly Role[],
  { model }: SubsetNeed,
  target: Target,
  labelsOf: SubsetLabels,
): Promise<readonly Raw[]> {
  return Promise.all(
    missing.map(async (role) => {
      const given = role === "canary" && target.source.from === "clone" ? target.source.labels : {};
      const labels = Object.keys(given).length > 0 ? given : await labelsOf(role);
      if (labels && Object.keys(labels).length > 0) return { ...model, name: target[role].subset, labels };
      const { subset, deployment, host } = target[role];
      throw new DeniedError(
        `No DestinationRule in namespace ${ruleNamespace(target)} has the subset ${subset} of ${host}, and no label is known that only the pods of ${deployment} have.`,
        {
          next: `Add to the DestinationRule for ${host}: subsets: [{name: ${subset}, labels: {version: …}}], with a label of those pods.`,
        },
      );
    }),
  );
}

/** Istio merges rules of one host only when they are exported to the same namespaces and select the same clients. */
export function ownRule(target: Target, version: string, subsets: readonly Raw[], { beside }: SubsetNeed): object {
  const spec = beside ? specOf(beside) : {};
  const copied = Object.fromEntries(
    ["exportTo", "workloadSelector"].filter((field) => spec[field] !== undefined).map((field) => [field, spec[field]]),
  );
  return {
    apiVersion: `networking.istio.io/${version}`,
    kind: "DestinationRule",
    metadata: {
      name: ownRuleName(target.service),
      namespace: ruleNamespace(target),
      labels: { [managedBy.key]: managedBy.value },
    },
    spec: { host: beside ? hostOf(beside) : hostText(target), ...copied, subsets },
  };
}

/** Istio takes a name with a dot for a full one: `reviews.shop` would be nobody's. */
function hostText({ canary: { host }, namespace }: Target): string {
  return namespaceOf(host, namespace) === undefined || resolveHost(host, namespace).domain !== undefined
    ? host
    : firstLabel(host);
}
