import { type DestinationRule, rulesFor, type Subset, subsetFor, subsetsFor } from "../istio/destination-rule.ts";
import { readHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { type Deployment, readDeployment } from "../kubernetes/deployment.ts";
import { isPodOf } from "../kubernetes/pod.ts";
import { carries, type Labels, selects, showLabels } from "../kubernetes/selector.ts";
import { coded, type Finding, refuse, unseen, warn } from "../ports/preflight.ts";
import { type Role, roles, type Target, type Version } from "../release/target.ts";
import { listed } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

/** Which pods a destination reaches: what the Service selects, and of those what the subset does. */
type Reach = {
  readonly version: Version;
  readonly service: Labels;
  readonly serviceName: string;
  readonly subset: Subset | undefined;
};

/** Undefined where the Service is missing or has no selector: that is told of elsewhere. */
export function reachOf({ target, services, destinationRules }: Scene, version: Version): Reach | undefined {
  const host = readHost(version.host, target.namespace);
  const service = serviceBehind(services, host);
  const selector = service && selectorOfService(service);
  if (!selector) return undefined;
  const subset = subsetFor(destinationRules, host, version.subset);
  return { version, service: selector, serviceName: `${target.namespace}/${service.metadata.name}`, subset };
}

export const reaches = ({ service, subset, version }: Reach, labels: Labels): boolean | undefined =>
  version.subset !== undefined && !subset
    ? undefined
    : carries(labels, service) && carries(labels, subset?.labels ?? {});

/** `subset v2 (version=v2)`, or `Service shop/reviews-canary (app=reviews, track=canary)`. */
const destinationWord = ({ version, subset, service, serviceName }: Reach): string =>
  subset
    ? `subset ${version.subset} of ${version.host} (${showLabels(subset.labels)})`
    : `Service ${serviceName} (${showLabels(service)})`;

/**
 * Each destination has to reach its own version's pods, and no pod of the other: else the weights say one thing and
 * requests do another.
 */
export function podsAreDisjoint(scene: Scene): readonly Finding[] {
  const { stable, target } = scene;
  const [toStable, toCanary] = [reachOf(scene, target.stable), reachOf(scene, target.canary)];
  const canary = plannedDeployment(scene.planned);
  const findings: Finding[] = [];
  if (stable && toStable) findings.push(...unselected(toStable, stable), ...unreached(toStable, stable));
  if (canary && toCanary) findings.push(...unselected(toCanary, canary), ...unreached(toCanary, canary));
  if (canary && toStable) findings.push(...leaks(scene, toStable, canary));
  if (stable && toCanary) findings.push(...strays(toCanary, stable));
  return findings;
}

const podsOf = ({ namespace, name, podLabels }: Deployment): string =>
  `the pods of Deployment ${namespace}/${name} (${showLabels(podLabels)})`;

function unselected({ service, serviceName }: Reach, deployment: Deployment): readonly Finding[] {
  if (carries(deployment.podLabels, service)) return [];
  return [
    refuse(
      `Service ${serviceName} does not select ${podsOf(deployment)}: it selects ${showLabels(service)}.`,
      "Give the pods those labels, or name the Service that selects them as host.",
    ),
  ];
}

/** IST0173: a subset without pods answers 503 UH. */
function unreached(reach: Reach, deployment: Deployment): readonly Finding[] {
  if (!reach.subset || carries(deployment.podLabels, reach.subset.labels)) return [];
  return [
    coded(
      "IST0173",
      refuse(
        `${reach.subset.rule}: ${destinationWord(reach)} does not select ${podsOf(deployment)} (IST0173).`,
        "Correct the subset's labels, or the subset's or the Deployment's name.",
      ),
    ),
  ];
}

/** Canary pods among stable's: they get a part of stable's share, too, whatever the weights say. */
function leaks({ plan, stable }: Scene, toStable: Reach, canary: Deployment): readonly Finding[] {
  if (reaches(toStable, canary.podLabels) !== true) return [];
  const weight = plan.stages[0]?.weight ?? 100;
  const pods = stable?.rollout.desired ?? 1;
  const really = weight + (100 - weight) / (1 + pods);
  const next = toStable.subset
    ? "Give the subsets a label by which they differ."
    : "Give stable's Service (or the canary's pods) a label by which it selects stable's pods alone, or split by subsets.";
  return [
    refuse(
      `Stable's destination, ${destinationWord(toStable)}, would select the canary's pods (${showLabels(canary.podLabels)}), too: with one canary pod beside ${pods}, a weight of ${weight}% would really be ${Math.round(really)}%.`,
      next,
    ),
  ];
}

function strays(toCanary: Reach, stable: Deployment): readonly Finding[] {
  if (reaches(toCanary, stable.podLabels) !== true) return [];
  return [
    refuse(
      `The canary's destination, ${destinationWord(toCanary)}, selects ${podsOf(stable)}, too: the canary's share would reach stable.`,
      "Give the canary's destination a label that only the canary's pods have.",
    ),
  ];
}

/**
 * A Deployment whose selector takes another one's pods scales by their numbers, too, and people who ask by its selector
 * are shown both: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#selector
 */
export function selectorsAreApart({ stable, planned }: Scene): readonly Finding[] {
  const canary = plannedDeployment(planned);
  if (!stable || !canary) return [];
  return [
    [canary, stable],
    [stable, canary],
  ].flatMap(([one, other]) =>
    one && other && selects(one.selector, other.podLabels)
      ? [
          warn(
            `The selector of Deployment ${one.namespace}/${one.name} (${showLabels(one.selector.matchLabels)}) takes the pods of ${other.name}, too: an autoscaler of it counts both, and the controllers may take each other's pods for their own.`,
            "Give both selectors a label by which the versions differ; a selector cannot be changed, so it needs another Deployment.",
          ),
        ]
      : [],
  );
}

/** Others behind a destination get a part of that version's requests, and spoil what gates see. */
export function nobodyElseIsReached(scene: Scene): readonly Finding[] {
  const { target } = scene;
  return [target.stable, target.canary].flatMap((version) => {
    const reach = reachOf(scene, version);
    const reached = reach ? othersReached(reach, scene) : [];
    if (!reach || reached.length === 0) return [];
    return [
      warn(
        `${version === target.stable ? "Stable" : "The canary"}'s destination, ${destinationWord(reach)}, also selects the pods of ${listed(reached)}, which are not part of the release.`,
        "Give the destination a label that only its own version's pods have.",
      ),
    ];
  });
}

/** Other Deployments by their templates, everybody else by the pods that are there. */
function othersReached(reach: Reach, { target, deployments, pods }: Scene): readonly string[] {
  const known = deployments.map(readDeployment);
  const isOther = ({ name }: { readonly name: string }): boolean =>
    name !== target.stable.deployment && name !== target.canary.deployment;
  const others = known.filter(
    (one) => one.rollout.desired > 0 && isOther(one) && reaches(reach, one.podLabels) === true,
  );
  const strangers = pods.filter(
    (pod) => pod.ready && reaches(reach, pod.labels) === true && !known.some(({ name }) => isPodOf(name, pod)),
  );
  const owners = strangers.map(({ name, owner }) => (owner ? `${owner.kind} ${owner.name}` : `Pod ${name}`));
  return [...others.map(({ name }) => name), ...new Set(owners)];
}

/**
 * What the routes name and no DestinationRule defines: 503 NC. A missing subset of the canary's is added by the
 * release.
 */
export function subsetsAreClear({ target, destinationRules, hosts }: Scene): readonly Finding[] {
  const { stable } = target;
  const known = (role: Role): readonly Subset[] =>
    subsetsFor(destinationRules, hosts[role]).filter(({ name }) => name === target[role].subset);
  const findings: Finding[] = [];
  const isLost = stable.subset !== undefined && known("stable").length === 0;
  if (isLost) findings.push(lostSubset(target, rulesFor(destinationRules, hosts.stable)));
  for (const role of roles) {
    const subsets = known(role);
    if (new Set(subsets.map(({ labels }) => showLabels(labels))).size <= 1) continue;
    const where = subsets.map(({ rule, labels }) => `${rule} (${showLabels(labels)})`).join(", ");
    findings.push(
      warn(
        `Subset ${target[role].subset} of ${target[role].host} is defined with different labels: ${where}. Istio takes the oldest.`,
        "Leave one.",
      ),
    );
  }
  return findings;
}

/** Where there is no rule for the host at all, it may be that nobody has looked where it is. */
function lostSubset({ namespace, stable: { subset, host } }: Target, rules: readonly DestinationRule[]): Finding {
  const finding = coded(
    "IST0101",
    warn(
      `No DestinationRule in namespace ${namespace} defines subset ${subset} of ${host}, stable's own.`,
      `If none elsewhere does, its requests get 503, now and after a rollback: add it, with the labels of stable's pods.`,
    ),
  );
  if (rules.length === 0) return unseen(`a DestinationRule for ${host}`, finding);
  return finding;
}
