import { asDeployment, canaryManifestOf } from "../adapters/kubernetes/canary-manifest.ts";
import { isAutoscaled } from "../kubernetes/autoscaler.ts";
import {
  chooseContainer,
  chosenPlaces,
  type Deployment,
  isRolledOut,
  placesIn,
  readDeployment,
} from "../kubernetes/deployment.ts";
import { sameImage } from "../kubernetes/same-image.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
import { replicasFor } from "../release/replicas.ts";
import type { Replicas, Target } from "../release/target.ts";
import { listed, pods, refusal } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

const wordOf = ({ namespace, name }: Deployment): string => `Deployment ${namespace}/${name}`;

/**
 * A release needs a healthy version to go back to. An undo leaves one that may well be ill, and goes to another all the
 * more.
 */
export function stableIsHealthy(scene: Scene): readonly Finding[] {
  const findings = illnessOf(scene);
  if (scene.undo) return findings.map(({ what }) => warn(what, "The undo goes on."));
  return findings;
}

function illnessOf({ stable, canary }: Scene): readonly Finding[] {
  if (!stable) return [];
  const { observed, desired, total, updated, available } = stable.rollout;
  const where = `${wordOf(stable)} (stable)`;
  if (desired === 0) {
    const next =
      canary && canary.rollout.available > 0
        ? `${canary.name} has ${canary.rollout.available}: if it is what serves, exchange stable and canary in the configuration; if not, scale ${stable.name} up.`
        : "Scale it up.";
    return [refuse(`${where} is scaled to 0, so there is nothing to go back to.`, next)];
  }
  if (available === 0)
    return [
      refuse(
        `${where} has no available pod, so there is nothing to go back to.`,
        `See kubectl describe deployment ${stable.name} -n ${stable.namespace}.`,
      ),
    ];
  if (!observed || updated < desired || total > updated)
    return [
      refuse(
        `${where} is being rolled out: ${updated} of ${desired} pods run its newest template, ${total - updated} an older one.`,
        "Wait until it is done, then release again.",
      ),
    ];
  return isRolledOut(stable.rollout)
    ? []
    : [
        warn(
          `${where}: ${available} of ${desired} pods are available.`,
          "The release goes on; see why the others are not.",
        ),
      ];
}

/**
 * Promotion by `update` writes stable's image, so its container has to be clear before the release begins, not at its
 * end.
 */
export function stableCanBeUpdated({ stable, target, plan }: Scene): readonly Finding[] {
  if (!stable || plan.promotion !== "update") return [];
  const findings: Finding[] = [];
  if (stable.paused)
    findings.push(
      refuse(
        `${wordOf(stable)} (stable) is paused, so the promotion could not give it the new image.`,
        `Run kubectl rollout resume deployment ${stable.name} -n ${stable.namespace}.`,
      ),
    );
  const container = chooseContainer(stable, target.container);
  if ("problem" in container) findings.push(refusal(container));
  return findings;
}

export function imageIsNew({ stable, planned, target }: Scene): readonly Finding[] {
  const canary = plannedDeployment(planned);
  if (!stable || !canary) return [];
  const [before, after] = [chooseContainer(stable, target.container), chooseContainer(canary, target.container)];
  if ("problem" in before || "problem" in after || before.image !== after.image) return [];
  return [note(`Stable runs ${after.image} already: the release changes no image.`)];
}

/** Which containers get the image besides the one that it is about, and which keep what that one had. */
export function followersAreKnown({ target, plan, stable, canary }: Scene): readonly Finding[] {
  if (target.image === undefined) return [];
  const manifest = canaryManifestOf(target);
  const given = {
    existing: () => canary,
    clone: () => stable,
    manifests: () => manifest && readDeployment(asDeployment(target, manifest)),
  }[target.source.from]();
  const all = plan.promotion === "update" ? [given, stable] : [given];
  return all.flatMap((deployment) => (deployment ? followersIn(deployment, target) : []));
}

function followersIn(deployment: Deployment, { container, image }: Target): readonly Finding[] {
  const choice = chooseContainer(deployment, container);
  if ("problem" in choice) return [];
  const chosen = chosenPlaces(choice).map(({ name }) => name);
  const others = placesIn(deployment).filter(({ name }) => !chosen.includes(name) && choice.image !== image);
  const left = others.filter((place) => sameImage(place.image, choice.image)).map(({ name }) => name);
  const where = wordOf(deployment);
  const findings: Finding[] = [];
  if (choice.followers.length > 0)
    findings.push(
      note(
        `${where}: with container ${choice.name} the image is given to ${listed(chosen.slice(1))}, too.`,
        `Set container to [${choice.name}] if it is for that one alone.`,
      ),
    );
  if (left.length > 0)
    findings.push(
      warn(
        `${where}: ${listed(left)} has the image that ${choice.name} has, and keeps it: container names ${chosen.join(", ")} only.`,
        `Set container to [${[...chosen, ...left].join(", ")}] if they are one build.`,
      ),
    );
  return findings;
}

/** A canary's container with stable's image, beside one with the new one, is of no version that anybody built. */
export function buildsAreOne({ stable, planned, target }: Scene): readonly Finding[] {
  const canary = plannedDeployment(planned);
  if (!stable || !canary || target.source.from === "clone") return []; // of a copy it is told by stable's containers
  const [before, after] = [chooseContainer(stable, target.container), chooseContainer(canary, target.container)];
  if ("problem" in before || "problem" in after || before.image === after.image) return [];
  const old = placesIn(canary).filter(({ image }) => sameImage(image, before.image));
  if (old.length === 0) return [];
  return [
    warn(
      `${wordOf(canary)}: ${listed(old.map(({ name }) => name))} has stable's image ${before.image}, beside ${after.name} with ${after.image}.`,
      "Give it the new image, too, if they are one build: container takes a list of names.",
    ),
  ];
}

/** How many pods the canary has at a weight; undefined where an autoscaler decides, or a version is missing. */
function podsAt({ stable, canary, planned, target, autoscalers }: Scene, weight: number, wanted: Replicas) {
  const future = plannedDeployment(planned);
  if (!stable || !future || isAutoscaled(autoscalers, target.canary.deployment)) return undefined;
  const before = stable.rollout.desired;
  const original = target.source.from === "manifests" ? future.rollout.desired : (canary?.rollout.desired ?? 0);
  const current = wanted.kind === "keep" ? original : (canary?.rollout.desired ?? 0);
  return { before, pods: replicasFor({ wanted, weight, stable: before, current, original, autoscaled: false }) };
}

/** Where pods differ, and a canary has one, its own luck passes for the version's: docs/decisions/0025-pods-that-differ.md. */
export function canaryHasSeveralPods(scene: Scene): readonly Finding[] {
  const { replicas } = scene.target;
  const [first] = scene.plan.stages;
  const having = first && podsAt(scene, first.weight, replicas);
  if (!first || !having) return [];
  if (having.pods < Math.min(enoughPods, having.before))
    return [
      note(
        `At ${first.weight}% the canary has ${pods(having.pods)} beside ${having.before} of stable: what is a node's or a cache's doing passes for the version's, so that small harm is not proven.`,
        `Give it ${enoughPods}: canary.replicas.`,
      ),
    ];
  const byWeight = podsAt(scene, first.weight, { ...replicas, least: 1 } as Replicas)?.pods ?? having.pods;
  if (byWeight >= having.pods) return [];
  return [
    note(
      `At ${first.weight}% the canary has ${pods(having.pods)}, where its share needs ${byWeight}: with fewer, what is a node's or a cache's doing would pass for the version's.`,
      "Set canary.leastPods for fewer.",
    ),
  ];
}

/** What one pod has on its own weighs a third with as many, and more help little. */
const enoughPods = 3;

/** At the end all requests are the canary's, for a moment or for good. */
export function canaryHasRoom(scene: Scene): readonly Finding[] {
  const having = podsAt(scene, 100, scene.target.replicas);
  if (!having || having.pods >= having.before) return [];
  const { pods: atEnd, before } = having;
  return [
    warn(
      `At 100% the canary serves with ${pods(atEnd)} what stable serves with ${before} now.`,
      "Let its replicas follow the weights (by-weight), or give it more.",
    ),
  ];
}
