import { clientsOf, rulesFor, type Subset } from "../istio/destination-rule.ts";
import { isWildcard } from "../istio/host.ts";
import { listAt, objectAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { freeName, type InitGround, inOwnNamespace } from "./ground.ts";
import type { ObjectChange } from "./proposal.ts";
import { fullHost, serviceHost } from "./reach.ts";
import { type InitVersions, isFor, type VersionRole } from "./versions.ts";

export type ChosenSubsets = {
  readonly names: Readonly<Record<VersionRole, string>>;
  /** Those that no DestinationRule defines, and that the release cannot know by itself. */
  readonly change?: ObjectChange | undefined;
  /** The release makes the canary's by itself, and takes it away again. */
  readonly canaryIsMade: boolean;
};

/** Subsets by the labels that the versions' pods really have; those that are there keep their names. */
export function chooseSubsets(ground: InitGround, versions: InitVersions, routed: readonly string[]): ChosenSubsets {
  const all = rulesFor(inOwnNamespace(ground, "DestinationRule"), serviceHost(ground));
  const rules = all.filter((rule) => clientsOf(rule) === undefined);
  const subsets = rules.flatMap((rule) => rule.subsets);
  const found = {
    stable: selecting(subsets, versions, "stable", routed),
    canary: selecting(subsets, versions, "canary"),
  };
  const undefinedOne = routed.find((name) => !subsets.some((subset) => subset.name === name));
  const names = {
    stable: found.stable?.name ?? undefinedOne ?? freeSubset(subsets, versions, "stable"),
    canary: found.canary?.name ?? freeSubset(subsets, versions, "canary"),
  };
  const canaryIsMade = found.stable !== undefined && found.canary === undefined && versions.from === "clone";
  const missing = (["stable", "canary"] as const).filter(
    (role) => !found[role] && !(role === "canary" && canaryIsMade),
  );
  if (missing.length === 0) return { names, canaryIsMade };
  const added = missing.map((role) => ({ name: names[role], labels: { [versions[role].key]: versions[role].value } }));
  const [rule] = rules;
  const isNew = rule === undefined || isWildcard(rule.host);
  const why = { kind: "subsets", host: ground.service, names: missing.map((role) => names[role]), isNew } as const;
  const object = isNew ? newRule(ground, added, rule?.object) : withSubsets(rule.object, added);
  return { names, canaryIsMade, change: { object, whys: [why] } };
}

/** The subset that selects one version's pods and not the other's; of several the one that a route names. */
function selecting(
  subsets: readonly Subset[],
  versions: InitVersions,
  role: VersionRole,
  routed: readonly string[] = [],
): Subset | undefined {
  const all = subsets.filter(({ labels }) => isFor(role, versions, labels));
  return all.find(({ name }) => routed.includes(name)) ?? all[0];
}

/** What Istio takes for a name: https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset */
const isName = (text: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);

/** Two Deployments that take turns are known by their versions; a copy is always the canary. */
function freeSubset(subsets: readonly Subset[], versions: InitVersions, role: VersionRole): string {
  const { deployment, value } = versions[role];
  const wanted = versions.from === "existing" && isName(value) ? value : role;
  return subsets.some(({ name }) => name === wanted) ? deployment : wanted;
}

/** One for all hosts of a domain would be hidden by this one, so what it says of traffic is taken over. */
const newRule = (
  ground: InitGround,
  subsets: readonly object[],
  wide: KubernetesObject | undefined,
): KubernetesObject => {
  const { trafficPolicy } = objectAt(wide, "spec");
  return {
    apiVersion: `networking.istio.io/${ground.istioVersion}`,
    kind: "DestinationRule",
    metadata: { name: freeName(ground, "DestinationRule", ground.service), namespace: ground.namespace },
    spec: { host: fullHost(ground), trafficPolicy, subsets },
  };
};

function withSubsets(object: KubernetesObject, added: readonly object[]): KubernetesObject {
  const spec = objectAt(object, "spec");
  return { ...object, spec: { ...spec, subsets: [...listAt(spec, "subsets"), ...added] } };
}
