import { readDeployment, withPodLabels } from "../kubernetes/deployment.ts";
import { withoutServerFields } from "../kubernetes/exported.ts";
import { objectAt, textsAt } from "../kubernetes/field.ts";
import { managedBy } from "../kubernetes/mark.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries, type Labels, showLabels } from "../kubernetes/selector.ts";
import { type InitGround, inOwnNamespace, type Wish } from "./ground.ts";
import type { Unready } from "./proposal.ts";
import { isSentTo } from "./reach.ts";

export type VersionRole = "stable" | "canary";

/** One of the two, by its Deployment and the label that only its pods have. */
export type InitVersion = { readonly deployment: string; readonly key: string; readonly value: string };

export type InitVersions = {
  readonly stable: InitVersion;
  readonly canary: InitVersion;
  /** The labels of each one's pods, as they will be. */
  readonly podLabels: Readonly<Record<VersionRole, Labels>>;
  readonly from: "existing" | "clone" | "manifests";
  /** The canary's Deployment, where neither is there nor can be copied. */
  readonly made?: KubernetesObject | undefined;
  /** Whose pods lack the label. */
  readonly unlabelled: readonly InitVersion[];
  /** Deployments behind the Service besides. */
  readonly others: readonly string[];
  readonly bothServe: boolean;
};

/** Whether a selector takes the pods of one version, and not the other's. */
export function isFor(role: VersionRole, { podLabels }: InitVersions, selector: Labels): boolean {
  const other = role === "stable" ? "canary" : "stable";
  return carries(podLabels[role], selector) && !carries(podLabels[other], selector);
}

type Candidate = { readonly object: KubernetesObject; readonly name: string; readonly labels: Labels };

const labelsOf = (object: KubernetesObject): Labels => textsAt(object, "spec", "template", "metadata", "labels");

const isScaledUp = ({ object }: Candidate): boolean => readDeployment(object).rollout.desired > 0;

/** The Deployments behind the Service, whoever has requests first; the copy of a release is none of them. */
function candidatesOf(ground: InitGround, selector: Labels): readonly Candidate[] {
  const rank = (one: Candidate): number => (isSentTo(ground, one.labels) ? 0 : 2) + (isScaledUp(one) ? 0 : 1);
  return inOwnNamespace(ground, "Deployment")
    .filter(({ metadata }) => metadata.labels?.[managedBy.key] !== managedBy.value)
    .map((object) => ({ object, name: object.metadata.name, labels: labelsOf(object) }))
    .filter(({ labels }) => carries(labels, selector))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** What else has pods behind the Service: `StatefulSet shop/reviews`. */
export const otherWorkloads = (ground: InitGround, selector: Labels): readonly string[] =>
  ["StatefulSet", "DaemonSet"]
    .flatMap((kind) => inOwnNamespace(ground, kind))
    .filter((object) => carries(labelsOf(object), selector))
    .map(placeWord);

export function chooseVersions(ground: InitGround, selector: Labels, wish: Wish): InitVersions | Unready {
  const candidates = candidatesOf(ground, selector);
  const named = (name: string | undefined): Candidate | undefined => candidates.find((one) => one.name === name);
  const stable = named(wish.stable) ?? candidates.find(({ name }) => name !== wish.canary);
  if (!stable)
    return { kind: "no-deployment", others: otherWorkloads(ground, selector), selector: showLabels(selector) };
  if (wish.stable !== undefined && wish.stable !== stable.name)
    return { kind: "unknown-deployment", name: wish.stable, known: candidates.map(({ name }) => name) };
  const rest = candidates.filter((one) => one !== stable);
  const canary = named(wish.canary) ?? rest[0];
  if (!canary || canary === stable) return beside(stable, selector, wish);
  return pairOf(ground, selector, stable, [canary, ...rest.filter((one) => one !== canary)]);
}

/** By what people and Istio's own pages tell versions apart; any other label does as well. */
const usualKeys = ["version", "app.kubernetes.io/version", "track"] as const;

const byUsage = (keys: readonly string[]): readonly string[] => {
  const usual = usualKeys.filter((key) => keys.includes(key));
  return [...usual, ...keys.filter((key) => !usual.some((one) => one === key))];
};

/** A label that the Service does not select by: pods of both versions have to be behind it. */
const freeKey = (selector: Labels): string => ["version", "track"].find((key) => !(key in selector)) ?? "release";

/** One Deployment: a copy of it, if its selector can keep the copy's pods apart; a selector cannot be changed. */
function beside(stable: Candidate, selector: Labels, { canary }: Wish): InitVersions {
  const { selector: own } = readDeployment(stable.object);
  const ownKeys = byUsage(Object.keys(own.matchLabels).filter((key) => !(key in selector)));
  const [key = freeKey(selector)] = ownKeys;
  const value = stable.labels[key] ?? "stable";
  const mine: InitVersion = { deployment: stable.name, key, value };
  const its: InitVersion = {
    deployment: canary ?? `${stable.name}-canary`,
    key,
    value: value === "canary" ? "next" : "canary",
  };
  const cannotBeCopied = ownKeys.length === 0;
  return {
    stable: mine,
    canary: its,
    podLabels: { stable: withLabel(stable.labels, mine), canary: withLabel(stable.labels, its) },
    from: cannotBeCopied ? "manifests" : "clone",
    made: cannotBeCopied ? deploymentLike(stable.object, its) : undefined,
    unlabelled: lacking(stable, mine),
    others: [],
    bothServe: false,
  };
}

const withLabel = (labels: Labels, { key, value }: InitVersion): Labels => ({ ...labels, [key]: value });

function pairOf(ground: InitGround, selector: Labels, stable: Candidate, rest: readonly Candidate[]): InitVersions {
  const [canary = stable, ...others] = rest;
  const keys = Object.keys({ ...stable.labels, ...canary.labels }).filter(
    (key) => !(key in selector) && stable.labels[key] !== canary.labels[key],
  );
  const inBoth = keys.filter((key) => key in stable.labels && key in canary.labels);
  const [key = freeKey(selector)] = [...byUsage(inBoth), ...byUsage(keys)];
  const [mine, its] = [versionOf(stable, key, selector), versionOf(canary, key, selector)];
  return {
    stable: mine,
    canary: its,
    podLabels: { stable: withLabel(stable.labels, mine), canary: withLabel(canary.labels, its) },
    from: "existing",
    unlabelled: [...lacking(stable, mine), ...lacking(canary, its)],
    others: others.map(({ name }) => name),
    bothServe: rest.some(isScaledUp) && !isSentTo(ground, stable.labels),
  };
}

const lacking = ({ labels }: Candidate, version: InitVersion): readonly InitVersion[] =>
  labels[version.key] === undefined ? [version] : [];

/** `reviews-v2` of `reviews` is v2. */
function versionOf({ name, labels }: Candidate, key: string, selector: Labels): InitVersion {
  const app = Object.values(selector).find((value) => name.startsWith(`${value}-`));
  const suffix = app === undefined ? name : name.slice(app.length + 1);
  return { deployment: name, key, value: labels[key] ?? suffix };
}

/** Stable's Deployment with another name and a label of its own, as somebody would write it beside stable's. */
function deploymentLike(stable: KubernetesObject, { deployment, key, value }: InitVersion): KubernetesObject {
  const { object } = withoutServerFields(stable);
  const spec = objectAt(object, "spec");
  const matchLabels = { ...textsAt(spec, "selector", "matchLabels"), [key]: value };
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: { name: deployment, namespace: stable.metadata.namespace ?? "", labels: matchLabels },
    spec: {
      ...spec,
      selector: { ...objectAt(spec, "selector"), matchLabels },
      template: withPodLabels(spec.template, { [key]: value }),
    },
  };
}
