import { canaryManifestOf } from "../adapters/kubernetes/canary-manifest.ts";
import type { Host } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { chooseContainer } from "../kubernetes/deployment.ts";
import { withoutServerFields } from "../kubernetes/exported.ts";
import { listAt, textAt } from "../kubernetes/field.ts";
import { missingNamespace } from "../kubernetes/missing-namespace.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, showLabels } from "../kubernetes/selector.ts";
import { type Finding, note, refuse, unseen, warn } from "../ports/preflight.ts";
import { listed, pods, refusal } from "./finding.ts";
import { plannedDeployment, plannedObject } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

const namesOf = (objects: readonly KubernetesObject[]): string => listed(objects.map(({ metadata }) => metadata.name));

export function namespaceExists({ namespace, target }: Scene): readonly Finding[] {
  if (namespace !== undefined) return [];
  const { what, next } = missingNamespace(target.namespace);
  return [refuse(what, next)];
}

/** The service itself, and the Services behind both hosts. */
export function servicesExist({ target: { namespace }, services, hosts }: Scene): readonly Finding[] {
  const findings = [hosts.service, hosts.stable, hosts.canary].map((host) => serviceExists(host, namespace, services));
  return findings.filter((finding) => finding !== undefined);
}

function serviceExists(host: Host, namespace: string, services: readonly KubernetesObject[]): Finding | undefined {
  const { text, service } = host;
  if (!service)
    return refuse(
      `Host ${text} is the name of no Service.`,
      "Write the Service's name as the host of stable and canary.",
    );
  if (service.namespace !== namespace)
    return refuse(
      `Service ${service.namespace}/${service.name} is in another namespace than the Deployments (${namespace}); it cannot select their pods.`,
      "Set namespace to the service's.",
    );
  if (serviceBehind(services, host)) return undefined;
  const word = `Service ${namespace}/${service.name}`;
  return unseen(
    word,
    refuse(`${word} does not exist (found: ${namesOf(services)}).`, "Correct its name, or create it."),
  );
}

/** A service that was never deployed is a case of its own: there is nothing to go back to. */
export function stableExists({ target, stable, deployments, firstDeploy }: Scene): readonly Finding[] {
  const where = `Deployment ${target.namespace}/${target.stable.deployment}`;
  if (stable) {
    const next =
      "Take first-deploy (in the file firstDeploy) away: it gives the new version all requests at once, without stages.";
    return firstDeploy
      ? [refuse(`${where} (stable) exists, so this is not the first deployment of ${target.service}.`, next)]
      : [];
  }
  if (firstDeploy)
    return [
      note(`There is no stable version yet: ${target.canary.deployment} gets all requests at once, without stages.`),
    ];
  return [
    unseen(
      where,
      refuse(
        `There is no stable version yet: ${where} does not exist (found: ${namesOf(deployments)}).`,
        "If this is the service's first deployment, set first-deploy: true (in the file firstDeploy: true), and the new version is deployed straight. Otherwise correct stable's Deployment.",
      ),
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
  if (!canary)
    return [unseen(where, refuse(`${where} (canary) does not exist (found: ${namesOf(deployments)}).`, next))];
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
  { target }: Scene,
  objects: readonly Readonly<Record<string, unknown>>[],
): readonly Finding[] {
  const { namespace, canary } = target;
  const findings: Finding[] = [];
  const names = objects.map(manifestWord);
  for (const [index, object] of objects.entries()) {
    if (!isComplete(object))
      findings.push(
        refuse(`Manifest ${index + 1} of ${objects.length} lacks apiVersion, kind or metadata.name.`, "Complete it."),
      );
    const other = textAt(object, "metadata", "namespace") ?? namespace;
    if (other !== namespace)
      findings.push(
        refuse(
          `Manifest ${names[index]} is for namespace ${other}, not ${namespace}.`,
          "A release changes one namespace only: leave metadata.namespace out.",
        ),
      );
  }
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  for (const name of twice) findings.push(refuse(`There are two manifests of ${name}.`, "Leave one."));
  const isWritten = objects.some(
    (object) => textAt(object, "kind") === "Deployment" && textAt(object, "metadata", "name") === canary.deployment,
  );
  if (canaryManifestOf(target) === undefined && !isWritten)
    // of another apiVersion it is told that nobody serves it
    findings.push(
      refuse(
        `None of the manifests is Deployment ${canary.deployment} (found: ${listed(names)}).`,
        "Add the canary's Deployment, or correct canary's Deployment.",
      ),
    );
  return findings;
}

const manifestWord = (object: unknown): string =>
  `${textAt(object, "kind") ?? "an object without kind"} ${textAt(object, "metadata", "name") ?? "without name"}`;

export const isComplete = (object: unknown): boolean =>
  Boolean(textAt(object, "apiVersion") && textAt(object, "kind") && textAt(object, "metadata", "name"));

/** A manifest may pause it, and one that is there already stays paused whatever is applied. */
export function canaryIsNotPaused({
  target: {
    namespace,
    canary: { deployment },
  },
  canary,
  planned,
}: Scene): readonly Finding[] {
  const live = canary?.paused ? `Run kubectl rollout resume deployment ${deployment} -n ${namespace}.` : undefined;
  const next = live ?? (plannedDeployment(planned)?.paused ? "Take paused out of its manifest." : undefined);
  if (next === undefined) return [];
  return [
    refuse(`Deployment ${namespace}/${deployment} (canary) is paused, so it would never get the new image.`, next),
  ];
}

/** A canary that a rollback deletes goes only when its finalizers have gone, and its pods with it. */
export function canaryCanGo({ target, canary, planned }: Scene): readonly Finding[] {
  const made = plannedObject(planned);
  const holders = made && !canary ? listAt(withoutServerFields(made).object, "metadata", "finalizers").map(String) : [];
  if (holders.length === 0) return [];
  return [
    warn(
      `The manifest of Deployment ${target.namespace}/${target.canary.deployment} has finalizers (${listed(holders)}): after a rollback it would keep its pods until somebody takes them off.`,
      "Take metadata.finalizers out of the manifest, unless a controller is there that does it.",
    ),
  ];
}

/** Why the canary's Deployment cannot be made as asked. */
export function canaryIsClear({ planned, target }: Scene): readonly Finding[] {
  if (planned === undefined) return [];
  if ("problem" in planned) return [refusal(planned)];
  // Where it keeps its image, nobody has looked for the container yet.
  const choice = target.container === undefined ? undefined : chooseContainer(planned.deployment, target.container);
  if (choice && "problem" in choice) return [refusal(choice)];
  return [];
}

export function servicesSelect({ services, hosts }: Scene): readonly Finding[] {
  const behind = new Set([hosts.stable, hosts.canary].flatMap((host) => serviceBehind(services, host) ?? []));
  return [...behind]
    .filter((service) => selectorOfService(service) === undefined)
    .map(({ metadata: { namespace, name } }) =>
      refuse(
        `Service ${namespace}/${name} has no selector, so no pod of a Deployment is behind it.`,
        "Give it one, or name another Service as host.",
      ),
    );
}
