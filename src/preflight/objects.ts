import { readHost } from "../istio/host.ts";
import { serviceBehind } from "../istio/service.ts";
import { field, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, showLabels } from "../kubernetes/selector.ts";
import type { Finding } from "../ports/preflight.ts";
import { listed, note, pods, refusal, refuse, warn } from "./finding.ts";
import type { Scene } from "./scene.ts";

const namesOf = (objects: readonly KubernetesObject[]): string => listed(objects.map(({ metadata }) => metadata.name));

export function namespaceExists({ namespace, target }: Scene): readonly Finding[] {
  return namespace === undefined
    ? [refuse(`Namespace ${target.namespace} does not exist.`, "Correct the namespace, or the kubeconfig's context.")]
    : [];
}

/** The service itself, and the Services behind both hosts. */
export function servicesExist({ target, services }: Scene): readonly Finding[] {
  const { namespace, service, stable, canary } = target;
  const hosts = [service, stable.host, canary.host].map((host) => readHost(host, namespace));
  const unclear = hosts.filter((host) => !host.service);
  const elsewhere = hosts.filter((host) => host.service && host.service.namespace !== namespace);
  const absent = hosts.filter((host) => host.service?.namespace === namespace && !serviceBehind(services, host));
  return [
    ...unique(unclear.map(({ text }) => text)).map((host) =>
      refuse(`Host ${host} is the name of no Service.`, "Write the Service's name as the host of stable and canary."),
    ),
    ...unique(elsewhere.map((host) => `${host.service?.namespace}/${host.service?.name}`)).map((name) =>
      refuse(
        `Service ${name} is in another namespace than the Deployments (${namespace}); it cannot select their pods.`,
        "Set namespace to the service's.",
      ),
    ),
    ...unique(absent.flatMap((host) => host.service?.name ?? [])).map((name) =>
      refuse(
        `Service ${namespace}/${name} does not exist (found: ${namesOf(services)}).`,
        "Correct its name, or create it.",
      ),
    ),
  ];
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** A service that was never deployed is a case of its own: there is nothing to go back to. */
export function stableExists({ target, stable, deployments, firstDeploy }: Scene): readonly Finding[] {
  const where = `Deployment ${target.namespace}/${target.stable.deployment}`;
  if (stable) {
    const next = "Take first-deploy away: it gives the new version all requests at once, without stages.";
    return firstDeploy
      ? [refuse(`${where} (stable) exists, so this is not the first deployment of ${target.service}.`, next)]
      : [];
  }
  if (firstDeploy)
    return [
      note(`There is no stable version yet: ${target.canary.deployment} gets all requests at once, without stages.`),
    ];
  return [
    refuse(
      `There is no stable version yet: ${where} does not exist (found: ${namesOf(deployments)}).`,
      "If this is the service's first deployment, set first-deploy: true, and the new version is deployed straight. Otherwise correct stable's Deployment.",
    ),
  ];
}

/** How the canary is to come to be, and what is there already. */
export function canaryCanCome(scene: Scene): readonly Finding[] {
  switch (scene.target.source.from) {
    case "existing":
      return existingCanary(scene);
    case "clone":
      return clonedCanary(scene);
    case "manifests":
      return manifestsOfCanary(scene, scene.target.source.objects);
  }
}

function existingCanary({ target, canary, deployments }: Scene): readonly Finding[] {
  const where = `Deployment ${target.namespace}/${target.canary.deployment}`;
  const next = "Create it, correct canary's Deployment, or let the release make it: from: clone, or from: manifests.";
  if (!canary) return [refuse(`${where} (canary) does not exist (found: ${namesOf(deployments)}).`, next)];
  if (canary.paused)
    return [
      refuse(
        `${where} (canary) is paused, so it would never get the new image.`,
        `Run kubectl rollout resume deployment ${canary.name} -n ${canary.namespace}.`,
      ),
    ];
  return canary.rollout.desired === 0
    ? [
        note(
          `${where} (canary) is scaled to 0; it gets pods before it gets requests, and rests again after a rollback.`,
        ),
      ]
    : [];
}

function clonedCanary({ target, canary, firstDeploy, labels }: Scene): readonly Finding[] {
  if (firstDeploy)
    return [
      refuse(
        "A first deployment has no stable version to copy.",
        "Use from: manifests, or create the Deployment and use from: existing.",
      ),
    ];
  const withoutImage =
    target.image === undefined
      ? [warn("The canary is to be a copy of stable without another image: both versions are the same.", "Set image.")]
      : [];
  if (!canary) return withoutImage;
  const where = `Deployment ${canary.namespace}/${canary.name}`;
  if (
    "labels" in labels &&
    target.source.from === "clone" &&
    Object.keys(target.source.labels).length === 0 &&
    !carries(canary.podLabels, labels.labels)
  ) {
    return [
      refuse(
        `${where} exists already, and its pods (${showLabels(canary.podLabels)}) are not those of the canary (${showLabels(labels.labels)}).`,
        "Take another name for the canary's Deployment.",
      ),
    ];
  }
  const size = canary.rollout.desired === 0 ? "scaled to 0" : `with ${pods(canary.rollout.desired)}`;
  return [
    ...withoutImage,
    note(
      `${where} exists already, ${size}: the release gives it stable's pod template and the new image, and puts it back after a rollback.`,
    ),
  ];
}

function manifestsOfCanary(
  { target, planned, deployments }: Scene,
  objects: readonly Readonly<Record<string, unknown>>[],
): readonly Finding[] {
  const { namespace, canary } = target;
  const names = objects.map(
    (object) =>
      `${textAt(object, "kind") ?? "an object without kind"} ${textAt(object, "metadata", "name") ?? "without name"}`,
  );
  const incomplete = objects.filter(
    (object) => !(textAt(object, "apiVersion") && textAt(object, "kind") && textAt(object, "metadata", "name")),
  );
  const elsewhere = objects.filter((object) => (textAt(object, "metadata", "namespace") ?? namespace) !== namespace);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const existing = deployments.some(({ metadata }) => metadata.name === canary.deployment);
  return [
    ...incomplete.map((object) =>
      refuse(
        `Manifest ${objects.indexOf(object) + 1} of ${objects.length} lacks apiVersion, kind or metadata.name.`,
        "Complete it.",
      ),
    ),
    ...elsewhere.map((object) =>
      refuse(
        `Manifest ${names[objects.indexOf(object)]} is for namespace ${textAt(object, "metadata", "namespace")}, not ${namespace}.`,
        "A release changes one namespace only: leave metadata.namespace out.",
      ),
    ),
    ...unique(twice).map((name) => refuse(`There are two manifests of ${name}.`, "Leave one.")),
    ...(planned === undefined
      ? [
          refuse(
            `None of the manifests is Deployment ${canary.deployment} (found: ${listed(names)}).`,
            "Add the canary's Deployment, or correct canary's Deployment.",
          ),
        ]
      : []),
    ...(existing
      ? [
          note(
            `Deployment ${namespace}/${canary.deployment} exists already: the manifest is applied over it, and a rollback gives it its old pod template and replicas again.`,
          ),
        ]
      : []),
  ];
}

/** Why the canary's Deployment cannot be made as asked. */
export const canaryIsClear = ({ planned }: Scene): readonly Finding[] =>
  planned !== undefined && "problem" in planned ? [refusal(planned)] : [];

export function servicesSelect({ target, services }: Scene): readonly Finding[] {
  const behind = [target.stable, target.canary].flatMap(
    ({ host }) => serviceBehind(services, readHost(host, target.namespace)) ?? [],
  );
  return [...new Set(behind)]
    .filter((service) => field(service, "spec", "selector") === undefined)
    .map((service) =>
      refuse(
        `Service ${target.namespace}/${service.metadata.name} has no selector, so no pod of a Deployment is behind it.`,
        "Give it one, or name another Service as host.",
      ),
    );
}
