import { canaryManifestOf } from "../adapters/kubernetes/canary-manifest.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { field } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries, type Labels, readSelector, selects, showLabels } from "../kubernetes/selector.ts";
import { objectWord, type UserObject } from "../kubernetes/user-object.ts";
import { type Finding, refuse } from "../ports/preflight.ts";
import { roles } from "../release/target.ts";
import { plannedObject } from "./planned-canary.ts";
import { addressesOf, podsOfManifest } from "./pods-of-manifest.ts";
import { reaches, reachOf } from "./pods-of-versions.ts";
import type { Scene } from "./scene.ts";

/** Beside the canary nothing that the manifests run may answer the service's requests: no weight and no gate would know. */
export function answersRequests(scene: Scene, word: string, manifest: UserObject): Finding | undefined {
  const canary = canaryManifestOf(scene.target);
  if (canary && objectWord(canary) === objectWord(manifest)) return undefined;
  const labels = podsOfManifest(manifest);
  const next = "Take it out of the manifests, or give it labels of its own.";
  const service = ownServices(scene).find((one) => answersFor(one, labels, addressesOf(manifest)));
  if (service) {
    const by = labels ? `by its labels ${showLabels(labels)}` : "by name";
    const whose = `it would get ${shareWord(scene, labels)} from when it is ready, beside all weights and gates`;
    return refuse(`The manifest of ${word} answers for ${placeWord(service)} (${by}): ${whose}.`, next);
  }
  const owner =
    labels && versionsOf(scene).find((one) => selects(readSelector(field(one, "spec", "selector")), labels));
  if (!owner) return undefined;
  return refuse(
    `The selector of ${placeWord(owner)} takes the pods of the manifest of ${word} (${showLabels(labels)}) for its own.`,
    next,
  );
}

const ownServices = ({ hosts, services }: Scene): readonly KubernetesObject[] =>
  Object.values(hosts).flatMap((host) => serviceBehind(services, host) ?? []);

function answersFor(service: KubernetesObject, labels: Labels | undefined, addresses: string | undefined): boolean {
  if (addresses === service.metadata.name) return true;
  const selector = selectorOfService(service) ?? {};
  return labels !== undefined && Object.keys(selector).length > 0 && carries(labels, selector);
}

/** `a part of stable's requests` */
function shareWord(scene: Scene, labels: Labels | undefined): string {
  const role = roles.find((one) => {
    const reach = reachOf(scene, scene.target[one]);
    return labels && reach && reaches(reach, labels);
  });
  if (role === undefined) return "requests";
  return role === "stable" ? "a part of stable's requests" : "a part of the canary's requests";
}

function versionsOf({ target, deployments, planned }: Scene): readonly KubernetesObject[] {
  const stable = deployments.filter(({ metadata }) => metadata.name === target.stable.deployment);
  return [...stable, plannedObject(planned)].filter((one) => one !== undefined);
}
