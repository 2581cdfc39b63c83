import {
  type ContainerPlace,
  chooseContainer,
  chosenPlaces,
  type Deployment,
  readDeployment,
  withPodLabels,
} from "./deployment.ts";
import { listAt, objectAt } from "./field.ts";
import { managedBy, releaseAnnotation } from "./mark.ts";
import type { KubernetesObject } from "./object.ts";
import type { Obstacle } from "./obstacle.ts";
import { type Labels, type Selector, selects, showLabels } from "./selector.ts";

export type CloneOrder = {
  readonly name: string;
  /** What only the canary's pods have. */
  readonly labels: Labels;
  readonly release: string;
  readonly replicas: number;
};

/** An image, and the containers that get it, as `chooseContainer` finds them. */
export type ImageChoice = {
  readonly image?: string | undefined;
  readonly container?: string | readonly string[] | undefined;
};

/**
 * Stable's Deployment under another name, with pods of its own: ready to be created, or the reason why it cannot be.
 */
export function cloneDeployment(
  stable: KubernetesObject,
  order: CloneOrder,
  image: ImageChoice,
): { readonly object: KubernetesObject } | Obstacle {
  const original = readDeployment(stable);
  const copied = templateFor(stable, order.labels, image);
  if ("problem" in copied) return copied;
  const overlap = overlapOf(original, order.labels);
  if (overlap) return overlap;

  return {
    object: {
      apiVersion: stable.apiVersion,
      kind: stable.kind,
      metadata: metadataOf(original, order),
      spec: {
        ...only(objectAt(stable, "spec"), copiedFields),
        replicas: order.replicas,
        selector: canarySelector(original.selector, order.labels),
        template: copied.template,
      },
    },
  };
}

/** Stable's pod template with the canary's labels over it, and the new image. */
export function templateFor(
  stable: KubernetesObject,
  labels: Labels,
  image: ImageChoice,
): { readonly template: unknown } | Obstacle {
  const withImage = templateWithImage(stable, image);
  if ("problem" in withImage) return withImage;
  return { template: withPodLabels(withImage.template, labels) };
}

/** The pod template of a Deployment, live or a manifest, with another image in the container that is meant. */
export function templateWithImage(
  deployment: KubernetesObject,
  { image, container }: ImageChoice,
): { readonly template: Readonly<Record<string, unknown>> } | Obstacle {
  const template = objectAt(deployment, "spec", "template");
  if (image === undefined) return { template };
  const choice = chooseContainer(readDeployment(deployment), container);
  if ("problem" in choice) return choice;
  const podSpec = objectAt(template, "spec");
  return { template: { ...template, spec: { ...podSpec, ...withImage(podSpec, chosenPlaces(choice), image) } } };
}

/** The lists of containers in which one gets the image. */
const withImage = (podSpec: unknown, places: readonly ContainerPlace[], image: string): object =>
  Object.fromEntries(
    [...Map.groupBy(places, ({ list }) => list)].map(([list, of]) => [
      list,
      listAt(podSpec, list).map((each, index) =>
        of.some((place) => place.index === index) ? { ...objectAt(each), image } : each,
      ),
    ]),
  );

/**
 * Stable's selector with the canary's labels in it. Expressions about those keys would exclude the canary's own pods.
 */
function canarySelector(stable: Selector, labels: Labels): Partial<Selector> {
  const matchLabels = { ...stable.matchLabels, ...labels };
  const matchExpressions = stable.matchExpressions.filter(({ key }) => !(key in labels));
  return matchExpressions.length > 0 ? { matchLabels, matchExpressions } : { matchLabels };
}

/**
 * A Deployment that selects another one's pods counts them as its own, and so does its HorizontalPodAutoscaler. The
 * other way round cannot be: what keeps stable's selector from the copy's pods stands in the copy's selector.
 */
function overlapOf(stable: Deployment, labels: Labels): Obstacle | undefined {
  const podLabels = { ...stable.podLabels, ...labels };
  if (!selects(stable.selector, podLabels)) return undefined;
  return {
    problem: `Deployment ${stable.namespace}/${stable.name} would select the pods of its copy: it selects ${showSelector(stable.selector)}, and the copy's pods have ${showLabels(podLabels)}`,
    next: "Set canary labels that replace one of the selector's values. If the selector has no label that tells versions apart, give the canary a Deployment of its own (from: existing, or from: manifests).",
  };
}

function showSelector({ matchLabels, matchExpressions }: Selector): string {
  const parts = matchExpressions.map(({ key, operator, values }) =>
    values.length > 0 ? `${key} ${operator} (${values.join(", ")})` : `${key} ${operator}`,
  );
  if (Object.keys(matchLabels).length > 0) parts.unshift(showLabels(matchLabels));
  return parts.join(", ");
}

/** Of a Deployment's specification, besides what a copy has of its own. A paused one would make no pods. */
const copiedFields: ReadonlySet<string> = new Set([
  "strategy",
  "minReadySeconds",
  "progressDeadlineSeconds",
  "revisionHistoryLimit",
]);

/**
 * Labels that say what an object is, by which people, policies and Kiali know it. A key without a prefix is the user's
 * own; tools have to take one, and what they mean by theirs (prune, reconcile, roll out) is not for a copy:
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
const copiedLabels: ReadonlySet<string> = new Set([
  "app.kubernetes.io/name",
  "app.kubernetes.io/version",
  "app.kubernetes.io/component",
  "app.kubernetes.io/part-of",
  "service.istio.io/canonical-name",
  "service.istio.io/canonical-revision",
]);

const isCopied = (label: string): boolean => !label.includes("/") || copiedLabels.has(label);

const only = (fields: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.has(name)));

/** No annotation, uid, ownerReference or finalizer comes along. */
function metadataOf(stable: Deployment, order: CloneOrder): KubernetesObject["metadata"] {
  const labels = Object.fromEntries(Object.entries(stable.labels).filter(([key]) => isCopied(key)));
  const replaced = Object.fromEntries(Object.entries(order.labels).filter(([key]) => key in labels));
  return {
    name: order.name,
    namespace: stable.namespace,
    labels: { ...labels, ...replaced, [managedBy.key]: managedBy.value },
    annotations: { [releaseAnnotation]: order.release },
  };
}
