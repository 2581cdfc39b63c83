import { field, textAt, textsAt } from "../kubernetes/field.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { UserObject } from "../kubernetes/user-object.ts";

type Way = readonly string[];

/** Where the labels of those stand who answer requests, of kinds that are no templates of pods. */
const answering: Readonly<Record<string, readonly Way[]>> = {
  Pod: [["metadata", "labels"]],
  // https://github.com/istio/istio/blob/release-1.28/pilot/pkg/serviceregistry/serviceentry/conversion.go
  WorkloadEntry: [
    ["spec", "labels"],
    ["metadata", "labels"],
  ],
  WorkloadGroup: [["spec", "metadata", "labels"]],
};

const template = ["spec", "template"];
const ofPods = [...template, "metadata", "labels"];
const templates: readonly Way[] = [ofPods, ["spec", "jobTemplate", ...ofPods]];

/** The labels by which Services find what a manifest runs; undefined where it runs nothing. */
export function podsOfManifest({ resource: { kind }, object }: UserObject): Labels | undefined {
  const ways = answering[kind] ?? templates.filter((way) => field(object, ...way) !== undefined);
  if (ways.length === 0 || field(object, "spec", "replicas") === 0) return undefined;
  return Object.assign({}, ...ways.map((way) => textsAt(object, ...way)));
}

/** The Service of which a manifest gives addresses by itself. */
export function addressesOf({ resource: { kind }, name, object }: UserObject): string | undefined {
  if (kind === "Endpoints") return name;
  return kind === "EndpointSlice" ? textAt(object, "metadata", "labels", "kubernetes.io/service-name") : undefined;
}
