import { isDeepStrictEqual } from "node:util";
import { field, listAt, objectAt, textsAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { type Labels, readSelector, type Selector, selects, showLabels } from "../kubernetes/selector.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { listed } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

/** A kind of object that decides for some pods what they take or send. */
type PolicyKind = {
  readonly in:
    | "authorizationPolicies"
    | "peerAuthentications"
    | "requestAuthentications"
    | "networkPolicies"
    | "envoyFilters"
    | "wasmPlugins"
    | "sidecars";
  /** Where in `spec` it says for which pods. */
  readonly selector: "selector" | "podSelector" | "workloadSelector";
  /** Ends the sentence "so they may differ in". */
  readonly differ: string;
};

const authorization: PolicyKind = {
  in: "authorizationPolicies",
  selector: "selector",
  differ: "which requests they answer with 403",
};
const network: PolicyKind = {
  in: "networkPolicies",
  selector: "podSelector",
  differ: "who reaches them, and whom they reach",
};

const kinds: readonly PolicyKind[] = [
  authorization,
  { in: "requestAuthentications", selector: "selector", differ: "which tokens they take" },
  { in: "peerAuthentications", selector: "selector", differ: "whether they take requests without mutual TLS" },
  network,
  { in: "envoyFilters", selector: "workloadSelector", differ: "what their proxies do with requests" },
  { in: "wasmPlugins", selector: "selector", differ: "what their proxies do with requests" },
  { in: "sidecars", selector: "workloadSelector", differ: "whom they reach, and by which routes" },
];

/** The pod labels of both versions. */
type Both = { readonly stable: Labels; readonly canary: Labels };

function labelsOf({ stable, planned }: Scene): Both | undefined {
  const canary = plannedDeployment(planned);
  return stable && canary && { stable: stable.podLabels, canary: canary.podLabels };
}

const wordsOf = (objects: readonly KubernetesObject[]): string => listed(objects.map(placeWord), 3);

/** One that is attached to a waypoint or a gateway is for no pods. */
const isForPods = ({ spec }: KubernetesObject): boolean =>
  field(spec, "targetRef") === undefined && listAt(spec, "targetRefs").length === 0;

const appliesTo = (object: KubernetesObject, { selector }: Pick<PolicyKind, "selector">, labels: Labels): boolean =>
  isForPods(object) && selects(selectorIn(object, selector), labels);

/** Istio's older kinds have the labels themselves there. */
function selectorIn(object: KubernetesObject, selector: PolicyKind["selector"]): Selector {
  if (selector !== "workloadSelector") return readSelector(field(object, "spec", selector));
  return { matchLabels: textsAt(object, "spec", selector, "labels"), matchExpressions: [] };
}

/** Sidecars are read everywhere, and those of elsewhere are for other pods. */
const objectsOf = (kind: PolicyKind, scene: Scene): readonly KubernetesObject[] =>
  kind.in === "sidecars"
    ? scene.sidecars.filter(({ metadata }) => metadata.namespace === scene.target.namespace)
    : scene[kind.in];

/** Policies that are for one version only: the canary would answer otherwise than stable, or not at all. */
export function policiesAreForBoth(scene: Scene): readonly Finding[] {
  const labels = labelsOf(scene);
  if (!labels) return [];
  const shut = [...shutByAuthorization(scene, labels), ...shutByNetwork(scene, labels)];
  return [...shut, ...kinds.flatMap((kind) => oneSided(kind, scene, labels)), ...strangers(scene, labels)];
}

/**
 * What the manifests bring decides about stable's pods, too, as soon as it is applied, before the first stage. `now` is
 * without them.
 */
export function policiesOfStableStay(future: Scene, now: Scene): readonly Finding[] {
  const labels = future.stable?.podLabels;
  if (!labels) return [];
  const { deployment } = future.target.stable;
  return [
    ...barriers
      .filter((barrier) => isShut(barrier, future, labels) && !isShut(barrier, now, labels))
      .map((barrier) =>
        refuse(
          `The manifest of ${wordsOf(added(barrier.kind, future, now))} lets nothing through for ${deployment}, which serves: from when it is applied, ${barrier.so}.`,
          forCanaryAlone,
        ),
      ),
    ...kinds.flatMap((kind) =>
      added(kind, future, now).map((object) =>
        warn(
          `The manifest of ${placeWord(object)} is for the pods of ${deployment}, which serve, too (${selectorWord(object, kind)}): from when it is applied, before the first stage, it decides ${kind.differ}.`,
          forCanaryAlone,
        ),
      ),
    ),
  ];
}

const forCanaryAlone = "Let it select what only the canary's pods have, or apply it by itself, beforehand.";

const added = (kind: PolicyKind, future: Scene, now: Scene): readonly KubernetesObject[] => {
  const known = objectsOf(kind, now);
  const labels = future.stable?.podLabels ?? {};
  return objectsOf(kind, future).filter((object) => !known.includes(object) && appliesTo(object, kind, labels));
};

/** Where none of the policies that are about something lets anything through. */
type Barrier = {
  readonly kind: PolicyKind;
  readonly isAbout: (object: KubernetesObject) => boolean;
  readonly letsThrough: (object: KubernetesObject) => boolean;
  readonly so: string;
};

function isShut({ kind, isAbout, letsThrough }: Barrier, scene: Scene, labels: Labels): boolean {
  const objects = objectsOf(kind, scene);
  const about = objects.filter((object) => isAbout(object) && appliesTo(object, kind, labels));
  return about.length > 0 && !about.some(letsThrough);
}

/** Those that are for one version, but for pairs: the same for each. */
function oneSided(kind: PolicyKind, scene: Scene, { stable, canary }: Both): readonly Finding[] {
  const objects = objectsOf(kind, scene);
  const only = (one: Labels, other: Labels): readonly KubernetesObject[] =>
    objects.filter((object) => appliesTo(object, kind, one) && !appliesTo(object, kind, other));
  const [ofStable, ofCanary] = [only(stable, canary), only(canary, stable)];
  const says = (object: KubernetesObject): unknown => ({ ...objectAt(object, "spec"), [kind.selector]: undefined });
  const unpaired = (some: readonly KubernetesObject[], others: readonly KubernetesObject[]) =>
    some.filter((one) => !others.some((other) => isDeepStrictEqual(says(one), says(other))));
  const { deployment } = scene.target.stable;
  return [
    ...unpaired(ofStable, ofCanary).map((object) =>
      warn(
        `${placeWord(object)} is for the pods of ${deployment} and not for the canary's (${selectorWord(object, kind)}), so they may differ in ${kind.differ}.`,
        forBoth,
      ),
    ),
    ...unpaired(ofCanary, ofStable).map((object) =>
      warn(
        `${placeWord(object)} is for the canary's pods and not for those of ${deployment} (${selectorWord(object, kind)}), so they may differ in ${kind.differ}.`,
        forBoth,
      ),
    ),
  ];
}

const forBoth = "Let it select what the pods of both versions have, or give the other version the same.";

const selectorWord = (object: KubernetesObject, { selector }: PolicyKind): string =>
  `it selects ${showLabels(selectorIn(object, selector).matchLabels)}`;

type Shut = { readonly by: readonly KubernetesObject[]; readonly open: readonly KubernetesObject[] };

/**
 * Where policies apply of which none lets anything through. `open` are those of the other version that do.
 */
function shutBy(
  objects: readonly KubernetesObject[],
  applies: (object: KubernetesObject, labels: Labels) => boolean,
  letsThrough: (object: KubernetesObject) => boolean,
  { stable, canary }: Both,
): Shut | undefined {
  const of = (labels: Labels): readonly KubernetesObject[] => objects.filter((object) => applies(object, labels));
  const isShut = (some: readonly KubernetesObject[]): boolean => some.length > 0 && !some.some(letsThrough);
  const [ofStable, ofCanary] = [of(stable), of(canary)];
  return isShut(ofCanary) && !isShut(ofStable) ? { by: ofCanary, open: ofStable.filter(letsThrough) } : undefined;
}

const unlike = ({ open }: Shut): string => (open.length > 0 ? `, and ${wordsOf(open)} is for stable's pods only` : "");

/** https://istio.io/latest/docs/concepts/security/#implicit-enablement */
function shutByAuthorization({ authorizationPolicies, target }: Scene, labels: Both): readonly Finding[] {
  const isFor = (object: KubernetesObject, pods: Labels): boolean => appliesTo(object, authorization, pods);
  const shut = shutBy(authorizationPolicies.filter(allows), isFor, hasRules, labels);
  const deniesAll = authorizationPolicies.filter(
    (object) => denies(object) && isFor(object, labels.canary) && !isFor(object, labels.stable),
  );
  const canary = `the canary (${target.canary.deployment}) would answer every request with 403`;
  const findings: Finding[] = [];
  if (shut) findings.push(refuse(`${wordsOf(shut.by)} allows nothing${unlike(shut)}: ${canary}.`, forBoth));
  if (deniesAll.length > 0)
    findings.push(refuse(`${wordsOf(deniesAll)} denies every request to the canary's pods alone: ${canary}.`, forBoth));
  return findings;
}

const actionOf = (object: KubernetesObject): unknown => field(object, "spec", "action") ?? "ALLOW";
const allows = (object: KubernetesObject): boolean => actionOf(object) === "ALLOW";
const hasRules = (object: KubernetesObject): boolean => listAt(object, "spec", "rules").length > 0;

/** Everything. */
const denies = (object: KubernetesObject): boolean =>
  actionOf(object) === "DENY" &&
  listAt(object, "spec", "rules").some((rule) => Object.keys(objectAt(rule)).length === 0);

type Direction = {
  readonly type: "Ingress" | "Egress";
  readonly rules: "ingress" | "egress";
  readonly so: (pods: string) => string;
};

const directions: readonly Direction[] = [
  { type: "Ingress", rules: "ingress", so: (pods) => `no request would reach ${pods}` },
  { type: "Egress", rules: "egress", so: (pods) => `${pods} would reach nobody, istiod and DNS among them` },
];

/** https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation */
const isAbout = (object: KubernetesObject, { type, rules }: Direction): boolean => {
  const types = listAt(object, "spec", "policyTypes");
  if (types.length > 0) return types.includes(type);
  return type === "Ingress" || field(object, "spec", rules) !== undefined;
};

const opens = (object: KubernetesObject, { rules }: Direction): boolean => listAt(object, "spec", rules).length > 0;

const answers403 = "every request would be answered with 403";

const barriers: readonly Barrier[] = [
  { kind: authorization, isAbout: allows, letsThrough: hasRules, so: answers403 },
  { kind: authorization, isAbout: denies, letsThrough: () => false, so: answers403 },
  ...directions.map(
    (direction): Barrier => ({
      kind: network,
      isAbout: (object) => isAbout(object, direction),
      letsThrough: (object) => opens(object, direction),
      so: direction.so("its pods"),
    }),
  ),
];

function shutByNetwork({ networkPolicies }: Scene, labels: Both): readonly Finding[] {
  return directions.flatMap((direction) => {
    const about = networkPolicies.filter((object) => isAbout(object, direction));
    const isFor = (object: KubernetesObject, pods: Labels): boolean =>
      appliesTo(object, { selector: "podSelector" }, pods);
    const letsThrough = (object: KubernetesObject): boolean => opens(object, direction);
    const shut = shutBy(about, isFor, letsThrough, labels);
    return shut
      ? [
          refuse(
            `${wordsOf(shut.by)} lets nothing through${unlike(shut)}: ${direction.so("the canary's pods")}.`,
            forBoth,
          ),
        ]
      : [];
  });
}

/** Policies of others that know stable's pods by name, and not the canary's. */
function strangers({ networkPolicies, target }: Scene, { stable, canary }: Both): readonly Finding[] {
  const peersOf = (object: KubernetesObject): readonly unknown[] => [
    ...listAt(object, "spec", "ingress").flatMap((rule) => listAt(rule, "from")),
    ...listAt(object, "spec", "egress").flatMap((rule) => listAt(rule, "to")),
  ];
  const knows = (peer: unknown, labels: Labels): boolean =>
    field(peer, "podSelector") !== undefined && selects(readSelector(field(peer, "podSelector")), labels);
  return networkPolicies
    .filter((object) => {
      const peers = peersOf(object);
      return peers.some((peer) => knows(peer, stable)) && !peers.some((peer) => knows(peer, canary));
    })
    .map((object) =>
      warn(
        `${placeWord(object)} lets the pods of ${target.stable.deployment} through and not the canary's (${showLabels(canary)}): what it guards does not answer them, or does not reach them.`,
        "Let it name what the pods of both versions have.",
      ),
    );
}
