import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Obstacle } from "../kubernetes/obstacle.ts";
import { type Labels, showLabels } from "../kubernetes/selector.ts";
import { subsetFor } from "./destination-rule.ts";
import { type Host, readHost } from "./host.ts";
import { selectorOfService, serviceBehind } from "./service.ts";

/** A version's destination as the user wrote it. */
type WrittenDestination = { readonly host: string; readonly subset?: string | undefined };

/** What the labels of the canary's pods follow from. */
export type LabelQuestion = {
  readonly namespace: string;
  readonly stable: WrittenDestination;
  readonly canary: WrittenDestination;
  /** The user's own, which win. */
  readonly given: Labels;
  readonly destinationRules: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
};

export type LabelAnswer = { readonly labels: Labels } | Obstacle;

/**
 * The pod labels that tell the canary's pods from stable's, and that the canary's subset or Service selects:
 * the given ones, the ones that the subset has, the Service's selector, or else stable's version label with the
 * canary's subset as its value.
 */
export function canaryLabels(question: LabelQuestion): LabelAnswer {
  if (Object.keys(question.given).length > 0) return { labels: question.given };
  return question.canary.subset === undefined ? fromService(question) : fromSubset(question, question.canary.subset);
}

const writeLabels = "Set canary labels: the labels that only the canary's pods have, for instance version: v2.";

function fromService({ namespace, canary, services }: LabelQuestion): LabelAnswer {
  const host = readHost(canary.host, namespace);
  const service = serviceBehind(services, host);
  const labels = service && selectorOfService(service);
  if (labels && Object.keys(labels).length > 0) return { labels };
  const name = host.service ? `${host.service.namespace}/${host.service.name}` : host.text;
  const why = service ? "has no selector" : "does not exist";
  return {
    problem: `The labels of the canary's pods are not known: Service ${name} ${why}`,
    next: `Create it with a selector of its own, or: ${writeLabels}`,
  };
}

function fromSubset(
  { namespace, stable, canary, destinationRules, services }: LabelQuestion,
  name: string,
): LabelAnswer {
  const existing = subsetFor(destinationRules, readHost(canary.host, namespace), name);
  if (existing) return { labels: existing.labels };

  const host = readHost(stable.host, namespace);
  const ofStable = subsetFor(destinationRules, host, stable.subset);
  if (!ofStable)
    return {
      problem: `The labels of the canary's pods are not known: no DestinationRule for ${stable.host} defines subset ${name}, nor stable's ${stable.subset ?? "(none)"}`,
      next: writeLabels,
    };

  const key = versionKey(ofStable.labels, stable.subset, servicesSelector(services, host));
  if (key !== undefined) return { labels: { ...ofStable.labels, [key]: name } };
  return {
    problem: `The labels of the canary's pods are not known: stable's subset ${ofStable.name} has ${showLabels(ofStable.labels)}, and it is not clear which of them names the version`,
    next: writeLabels,
  };
}

const servicesSelector = (services: readonly KubernetesObject[], host: Host): Labels => {
  const service = serviceBehind(services, host);
  return (service && selectorOfService(service)) ?? {};
};

/**
 * Of a subset's labels the one that tells versions apart: what the Service does not select by, or what equals the
 * subset's name.
 */
function versionKey(labels: Labels, subset: string | undefined, common: Labels): string | undefined {
  const own = Object.keys(labels).filter((key) => common[key] !== labels[key]);
  if (own.length === 1) return own[0];
  const named = own.filter((key) => labels[key] === subset);
  return named.length === 1 ? named[0] : undefined;
}
