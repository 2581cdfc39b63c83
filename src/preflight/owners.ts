import { readDestinationRule } from "../istio/destination-rule.ts";
import { type Host, readHost, sameHost } from "../istio/host.ts";
import { listAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Finding } from "../ports/preflight.ts";
import { kindsAmong, type RouteKind } from "../release/route-kind.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import { refuse, warn } from "./finding.ts";
import type { Scene } from "./scene.ts";

/** Somebody else who writes an object, how that is seen, and what it means for the release. */
type Owner = {
  readonly owns: (object: KubernetesObject) => boolean;
  readonly finding: (objects: string, kinds: readonly RouteKind[]) => Finding;
};

const labelled = ({ metadata }: KubernetesObject, key: string): boolean =>
  metadata.labels?.[key] !== undefined || metadata.annotations?.[key] !== undefined;
const ownedBy = ({ metadata }: KubernetesObject, group: string): boolean =>
  listAt(metadata, "ownerReferences").some((owner) => (textAt(owner, "apiVersion") ?? "").split("/")[0] === group);
const writtenBy = ({ metadata }: KubernetesObject, manager: RegExp): boolean =>
  listAt(metadata, "managedFields").some((entry) => manager.test(textAt(entry, "manager") ?? ""));

const owners: readonly Owner[] = [
  {
    owns: (object) => ownedBy(object, "flagger.app") || writtenBy(object, /^flagger$/),
    finding: (objects) =>
      refuse(
        `Flagger controls ${objects}: it would write its own weights over the release's.`,
        "Delete the Canary resource, or leave the release to Flagger.",
      ),
  },
  {
    owns: (object) =>
      labelled(object, "argo-rollouts.argoproj.io/managed-by-rollouts") ||
      ownedBy(object, "argoproj.io") ||
      writtenBy(object, /^rollouts-controller$/) ||
      selectsRollout(object),
    finding: (objects) =>
      refuse(
        `Argo Rollouts controls ${objects}: it would write its own weights over the release's.`,
        "Delete the Rollout, or leave the release to it.",
      ),
  },
  {
    owns: (object) =>
      labelled(object, "argocd.argoproj.io/tracking-id") ||
      labelled(object, "argocd.argoproj.io/instance") ||
      writtenBy(object, /^argocd/),
    finding: (objects, kinds) =>
      warn(
        `Argo CD keeps ${objects} as Git has it: a sync in the middle of a release would take its changes back.`,
        `In the Application set ignoreDifferences for them (${differencesOf(kinds)}; Deployment: [.spec.replicas, .spec.template.spec.containers[].image]) with syncOptions [ApplyOutOfSyncOnly=true, RespectIgnoreDifferences=true], or pause automated sync while a release runs.`,
      ),
  },
  {
    owns: (object) =>
      labelled(object, "kustomize.toolkit.fluxcd.io/name") ||
      labelled(object, "helm.toolkit.fluxcd.io/name") ||
      writtenBy(object, /^(kustomize|helm)-controller$/),
    finding: (objects, kinds) =>
      warn(
        `Flux keeps ${objects} as Git has it: its next reconciliation would take the release's changes back.`,
        `Annotate them kustomize.toolkit.fluxcd.io/ssa: IfNotPresent (or reconcile: disabled), ignore ${pointersOf(kinds)} in the Kustomization, or suspend it while a release runs.`,
      ),
  },
];

const differencesOf = (kinds: readonly RouteKind[]): string =>
  kinds.map((kind) => `${kind}: jqPathExpressions [${routeKindWords[kind].weights.jqPath}]`).join("; ");
const pointersOf = (kinds: readonly RouteKind[]): string =>
  kinds.map((kind) => routeKindWords[kind].weights.pointer).join(" and ");

/** Its Services select by the hash of a Rollout's template. */
const selectsRollout = (object: KubernetesObject): boolean =>
  object.kind === "Service" && textAt(object, "spec", "selector", "rollouts-pod-template-hash") !== undefined;

/** Everything that the release writes or rests on; one finding for each owner, naming all its objects. */
export function ownersAreKnown(scene: Scene): readonly Finding[] {
  const objects = touched(scene);
  return owners.flatMap(({ owns, finding }) => {
    const owned = objects.filter(owns);
    return owned.length === 0 ? [] : [finding(owned.map(wordOf).join(", "), kindsAmong(scene.target.routes))];
  });
}

const wordOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.namespace}/${metadata.name}`;

function touched({
  target,
  hosts,
  services,
  deployments,
  chosenRoutes,
  destinationRules,
}: Scene): readonly KubernetesObject[] {
  const isMeant = (host: Host): boolean => Object.values(hosts).some((one) => sameHost(one, host));
  const names = [target.stable.deployment, target.canary.deployment];
  return [
    ...chosenRoutes,
    ...deployments.filter(({ metadata }) => names.includes(metadata.name)),
    ...services.filter(({ metadata }) => isMeant(readHost(metadata.name, target.namespace))),
    ...destinationRules.filter((rule) => isMeant(readDestinationRule(rule).host)),
  ];
}
