import { field, listAt, numberAt, objectAt, textAt, textsAt } from "./field.ts";
import { isTerminating, type KubernetesObject } from "./object.ts";
import type { Obstacle } from "./obstacle.ts";
import { sameImage } from "./same-image.ts";
import { type Labels, readSelector, type Selector } from "./selector.ts";

/** What a release reads of a Deployment. Nothing is ever written from this: writes go to the raw object. */
export type Deployment = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly selector: Selector;
  readonly podLabels: Labels;
  readonly podAnnotations: Labels;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly paused: boolean;
  /** Its controller rolls out and scales nothing any more. */
  readonly terminating: boolean;
  /** Its number among the ReplicaSets, which carry the same annotation. */
  readonly revision: string | undefined;
  readonly rollout: Rollout;
};

type Container = { readonly name: string; readonly image: string; readonly portNames: readonly string[] };

/** How far the pods are, in the words of the Deployment's status. */
export type Rollout = {
  /** The controller has seen the newest specification; otherwise the figures below are of an older one. */
  readonly observed: boolean;
  readonly desired: number;
  /** Pods of every template. */
  readonly total: number;
  /** Pods of the newest template. */
  readonly updated: number;
  readonly available: number;
  readonly conditions: readonly Condition[];
};

export type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
};

export function readDeployment(raw: KubernetesObject): Deployment {
  const { metadata } = raw;
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    uid: metadata.uid ?? "",
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    selector: readSelector(field(raw, "spec", "selector")),
    podLabels: textsAt(raw, "spec", "template", "metadata", "labels"),
    podAnnotations: textsAt(raw, "spec", "template", "metadata", "annotations"),
    containers: listAt(raw, "spec", "template", "spec", "containers").map(readContainer),
    initContainers: listAt(raw, "spec", "template", "spec", "initContainers").map(readContainer),
    paused: field(raw, "spec", "paused") === true,
    terminating: isTerminating(raw),
    revision: metadata.annotations?.["deployment.kubernetes.io/revision"],
    rollout: readRollout(raw),
  };
}

/** A pod template with more labels, or other ones. */
export function withPodLabels(template: unknown, labels: Labels): Readonly<Record<string, unknown>> {
  const metadata = objectAt(template, "metadata");
  return { ...objectAt(template), metadata: { ...metadata, labels: { ...objectAt(metadata, "labels"), ...labels } } };
}

const readContainer = (raw: unknown): Container => ({
  name: textAt(raw, "name") ?? "",
  image: textAt(raw, "image") ?? "",
  portNames: listAt(raw, "ports").flatMap((port) => textAt(port, "name") ?? []),
});

function readRollout(raw: KubernetesObject): Rollout {
  return {
    observed: (numberAt(raw, "status", "observedGeneration") ?? 0) >= (raw.metadata.generation ?? 0),
    desired: replicasOf(raw),
    total: numberAt(raw, "status", "replicas") ?? 0,
    updated: numberAt(raw, "status", "updatedReplicas") ?? 0,
    available: numberAt(raw, "status", "availableReplicas") ?? 0,
    conditions: listAt(raw, "status", "conditions").map(readCondition),
  };
}

export const readCondition = (raw: unknown): Condition => ({
  type: textAt(raw, "type") ?? "",
  status: textAt(raw, "status") ?? "",
  reason: textAt(raw, "reason") ?? "",
  message: textAt(raw, "message") ?? "",
  since: textAt(raw, "lastTransitionTime") ?? "",
});

/** An absent `spec.replicas` means one: the API server fills it in, a manifest need not. */
export const replicasOf = (raw: unknown): number => numberAt(raw, "spec", "replicas") ?? 1;

/**
 * Every pod that is asked for has the newest template and is available, and none of an older one is left: the rule of
 * `kubectl rollout status`.
 */
export const isRolledOut = ({ observed, desired, total, updated, available }: Rollout): boolean =>
  observed && desired > 0 && updated >= desired && total <= updated && available >= updated;

/** Containers that something else puts beside the service's own. */
const sidecars: ReadonlySet<string> = new Set([
  "istio-proxy",
  "linkerd-proxy",
  "vault-agent",
  "daprd",
  "jaeger-agent",
  "otc-container",
  "cloud-sql-proxy",
  "cloudsql-proxy",
]);

/** Where in the pod template a container is; its image is replaced by that position. */
export type ContainerPlace = {
  readonly list: "containers" | "initContainers";
  readonly index: number;
  readonly name: string;
  readonly image: string;
};

/** The container that a release is about, and those that get its image as well. */
export type ContainerChoice = ContainerPlace & { readonly followers: readonly ContainerPlace[] };

export const chosenPlaces = (choice: ContainerChoice): readonly ContainerPlace[] => [choice, ...choice.followers];

type Containers = Pick<Deployment, "namespace" | "name" | "containers" | "initContainers">;

export const placesIn = ({ containers, initContainers }: Pick<Containers, "containers" | "initContainers">) =>
  Object.entries({ containers, initContainers }).flatMap(([list, all]) =>
    all.map(({ name, image }, index): ContainerPlace => ({ list: list as ContainerPlace["list"], index, name, image })),
  );

/**
 * The containers that get the image: those of a list, or the named one, or the only one that is not a sidecar, and with
 * it whatever has the same image: a migration in an init container is of the same build. Otherwise the reason, for
 * people.
 */
export function chooseContainer(
  deployment: Containers,
  named?: string | readonly string[],
): ContainerChoice | Obstacle {
  if (named !== undefined && typeof named !== "string") return chooseAll(deployment, named);
  const all = placesIn(deployment);
  const candidates = all
    .filter(({ list }) => list === "containers")
    .filter(({ name }) => (named === undefined ? !sidecars.has(name) : name === named));
  const [first, ...others] = candidates;
  if (first && others.every(({ image }) => sameImage(image, first.image)))
    return { ...first, followers: all.filter((other) => other !== first && sameImage(other.image, first.image)) };
  return named === undefined ? unclear(deployment) : unknownContainer(deployment, named);
}

function chooseAll(deployment: Containers, names: readonly string[]): ContainerChoice | Obstacle {
  const all = placesIn(deployment);
  const missing = names.find((name) => !all.some((place) => place.name === name));
  if (missing !== undefined) return unknownContainer(deployment, missing);
  const [first, ...followers] = names.flatMap((name) => all.find((place) => place.name === name) ?? []);
  return first ? { ...first, followers } : unclear(deployment);
}

const namesOf = (deployment: Containers): string =>
  placesIn(deployment)
    .map(({ name }) => name)
    .join(", ") || "none";

const unknownContainer = (deployment: Containers, name: string): Obstacle => ({
  problem: `Deployment ${deployment.namespace}/${deployment.name}: there is no container ${name} (containers: ${namesOf(deployment)})`,
  next: "Set container to one of them.",
});

const unclear = (deployment: Containers): Obstacle => ({
  problem: `Deployment ${deployment.namespace}/${deployment.name}: it is not clear which container gets the image (containers: ${namesOf(deployment)})`,
  next: "Set container to its name.",
});
