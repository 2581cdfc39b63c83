import { field, listAt, textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { type Finding, warn } from "../ports/preflight.ts";
import type { Scene } from "./scene.ts";

/** Groups of controllers that forbid a release, and are told of as such. */
const refusedElsewhere: ReadonlySet<string> = new Set(["flagger.app", "argoproj.io"]);

/** Annotations by which somebody gives a Deployment images of their choice. */
const imageWriters: Readonly<Record<string, string>> = {
  "keel.sh/policy": "Keel",
  "image.openshift.io/triggers": "an OpenShift image trigger",
};

/** An operator that owns a Deployment writes it as its own object has it, whatever a release does. */
export function controllersAreKnown({ target, deployments }: Scene): readonly Finding[] {
  const names = [target.stable.deployment, target.canary.deployment];
  const both = deployments.filter(({ metadata }) => names.includes(metadata.name));
  return both.flatMap((deployment) => [...operatorsOf(deployment), ...imageWritersOf(deployment)]);
}

const operatorsOf = (deployment: KubernetesObject): readonly Finding[] =>
  listAt(deployment.metadata, "ownerReferences")
    .filter((owner) => field(owner, "controller") === true)
    .filter((owner) => !refusedElsewhere.has(textAt(owner, "apiVersion")?.split("/")[0] ?? ""))
    .map((owner) =>
      warn(
        `${placeWord(deployment)} belongs to ${textAt(owner, "kind")} ${textAt(owner, "name")} (${textAt(owner, "apiVersion")}): its operator may write image and replicas back, and delete what it does not know.`,
        "Make sure that it leaves both to the release, or pause it meanwhile.",
      ),
    );

const imageWritersOf = (deployment: KubernetesObject): readonly Finding[] =>
  Object.entries(imageWriters)
    .filter(([annotation]) => deployment.metadata.annotations?.[annotation] !== undefined)
    .map(([annotation, who]) =>
      warn(
        `${placeWord(deployment)} is given images by ${who} (annotation ${annotation}), also in the middle of a release.`,
        "Take the annotation away, or let images come by releases alone.",
      ),
    );
