import { field, listAt, numberAt, textAt, textsAt } from "./field.ts";
import type { KubernetesObject } from "./object.ts";
import type { Obstacle } from "./obstacle.ts";
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
  readonly paused: boolean;
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
    paused: field(raw, "spec", "paused") === true,
    revision: metadata.annotations?.["deployment.kubernetes.io/revision"],
    rollout: readRollout(raw),
  };
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
export type ContainerChoice = { readonly index: number; readonly name: string; readonly image: string };

/**
 * The container that gets the image: the named one, or the only one that is not a sidecar. Otherwise the reason, for
 * people.
 */
export function chooseContainer(
  { namespace, name, containers }: Pick<Deployment, "namespace" | "name" | "containers">,
  named?: string,
): ContainerChoice | Obstacle {
  const where = `Deployment ${namespace}/${name}`;
  const all = containers.map(({ name, image }, index) => ({ index, name, image }));
  const candidates = all.filter(({ name }) => (named === undefined ? !sidecars.has(name) : name === named));
  const [only, ...others] = candidates;
  if (only && others.length === 0) return only;
  const list = containers.map((container) => container.name).join(", ") || "none";
  if (named !== undefined)
    return {
      problem: `${where}: there is no container ${named} (containers: ${list})`,
      next: "Set container to one of them.",
    };
  return {
    problem: `${where}: it is not clear which container gets the image (containers: ${list})`,
    next: "Set container to its name.",
  };
}
