import { rulesFor } from "../istio/destination-rule.ts";
import { serviceBehind } from "../istio/service.ts";
import { listAt } from "../kubernetes/field.ts";
import { releaseAnnotation } from "../kubernetes/mark.ts";
import { isTerminating, type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { listed } from "./finding.ts";
import type { Scene } from "./scene.ts";

/** Something that a release builds on, and what becomes of the release when it goes. */
type ReliedOn = { readonly object: KubernetesObject; readonly so: string; readonly isIll?: boolean };

/**
 * What is being deleted is there as long as a finalizer holds it, and may serve; nobody can call the deletion off. An
 * undo leaves a version that may well be on its way out.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/#how-finalizers-work
 */
export function nothingIsTerminating(scene: Scene): readonly Finding[] {
  const going = reliedOnIn(scene).filter(({ object }) => isTerminating(object));
  return going.map(({ object, so, isIll }) => {
    const what = `${placeWord(object)}${madeBy(object)} is being deleted since ${object.metadata.deletionTimestamp}${heldBy(object)}: ${so}.`;
    return isIll ? warn(what, "The undo goes on.") : refuse(what, nextFor(object));
  });
}

function reliedOnIn({ target, deployments, services, hosts, chosenRoutes, destinationRules, undo }: Scene) {
  const named = (name: string): readonly KubernetesObject[] =>
    deployments.filter(({ metadata }) => metadata.name === name);
  const noPods = "Kubernetes rolls nothing out for it any more, and its pods go with it";
  const own = new Set([hosts.stable, hosts.canary].flatMap((host) => serviceBehind(services, host) ?? []));
  const rules = [hosts.stable, hosts.canary].flatMap((host) => rulesFor(destinationRules, host));
  const all: readonly ReliedOn[] = [
    ...named(target.stable.deployment).map((object) => ({ object, so: noPods, isIll: undo })),
    ...named(target.canary.deployment).map((object) => ({ object, so: noPods })),
    ...[...own].map((object) => ({ object, so: "when it is gone, no request reaches its pods" })),
    ...chosenRoutes.map((object) => ({ object, so: "when it is gone, nobody divides the requests" })),
    ...[...new Set(rules.map(({ object }) => object))].map((object) => ({
      object,
      so: "when it is gone, requests for its subsets get 503",
    })),
  ];
  return all;
}

const madeBy = ({ metadata }: KubernetesObject): string =>
  metadata.annotations?.[releaseAnnotation] === undefined ? "" : ", left over from an earlier release,";

function heldBy({ metadata }: KubernetesObject): string {
  const holders = listAt(metadata, "finalizers").map(String);
  return holders.length === 0 ? "" : ` (held by ${listed(holders)})`;
}

const nextFor = ({ kind, metadata: { namespace, name } }: KubernetesObject): string =>
  `Wait until it is gone, see that what is needed is there again, and release then: kubectl get ${kind.toLowerCase()} ${name} -n ${namespace} -o yaml shows who holds it.`;
