import { rulesFor } from "../istio/destination-rule.ts";
import { serviceBehind } from "../istio/service.ts";
import { listAt, textAt } from "../kubernetes/field.ts";
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

/** An operator that owns an object writes it as its own object has it, whatever a release does. */
export function controllersAreKnown(scene: Scene): readonly Finding[] {
  const { target, deployments, services, hosts, chosenRoutes, destinationRules } = scene;
  const names = [target.stable.deployment, target.canary.deployment];
  const both = deployments.filter(({ metadata }) => names.includes(metadata.name));
  const behind = [hosts.stable, hosts.canary];
  const routing = [
    ...chosenRoutes,
    ...behind.flatMap((host) => rulesFor(destinationRules, host).map(({ object }) => object)),
    ...behind.flatMap((host) => serviceBehind(services, host) ?? []),
  ];
  return [...[...new Set([...both, ...routing])].flatMap(operatorsOf), ...both.flatMap(imageWritersOf)];
}

/** What an operator may write back, by the kind of its object. */
const contested: Readonly<Record<string, string>> = {
  Deployment: "image and replicas",
  VirtualService: "the weights",
  HTTPRoute: "the weights",
  GRPCRoute: "the weights",
  TLSRoute: "the weights",
  TCPRoute: "the weights",
  DestinationRule: "the subsets",
  Service: "the selector",
};

/** Not every operator says that it is the controller. */
const operatorsOf = (object: KubernetesObject): readonly Finding[] =>
  listAt(object.metadata, "ownerReferences")
    .filter((owner) => !refusedElsewhere.has(textAt(owner, "apiVersion")?.split("/")[0] ?? ""))
    .map((owner) =>
      warn(
        `${placeWord(object)} belongs to ${textAt(owner, "kind")} ${textAt(owner, "name")} (${textAt(owner, "apiVersion")}): its operator may write ${contested[object.kind] ?? "it"} back, and delete what it does not know.`,
        "Make sure that it leaves that to the release, or pause it meanwhile.",
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
