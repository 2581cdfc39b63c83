import { readDestinationRule } from "../istio/destination-rule.ts";
import { gatewayKinds } from "../istio/gateway-route.ts";
import { type Host, type NamespacedName, readHost, sameHost } from "../istio/host.ts";
import { routeSections } from "../istio/route-rule.ts";
import { listAt, textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
import { listed } from "./finding.ts";
import type { Scene } from "./scene.ts";

/** Somebody else who writes an object, how that is seen, and what it means for the release. */
type Owner = {
  readonly owns: (object: KubernetesObject) => boolean;
  readonly finding: (objects: string, owned: readonly KubernetesObject[]) => Finding;
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
    finding: (objects, owned) =>
      warn(
        `Argo CD keeps ${objects} as Git has it: a sync in the middle of a release would take its changes back.`,
        `${pause(owned.flatMap(applicationsOf).map(skipping), someApplication)} ${thenGit} (Where an ApplicationSet makes the Application, it takes the annotation away unless its preservedFields.annotations have it.${ignoring(owned)})`,
      ),
  },
  {
    owns: (object) =>
      labelled(object, "kustomize.toolkit.fluxcd.io/name") ||
      labelled(object, "helm.toolkit.fluxcd.io/name") ||
      writtenBy(object, /^(kustomize|helm)-controller$/),
    finding: (objects, owned) =>
      warn(
        `Flux keeps ${objects} as Git has it: its next reconciliation would take the release's changes back.`,
        `${pause(owned.flatMap(fluxOwnersOf).map(suspending), someKustomization)} ${thenGit}`,
      ),
  },
];

const helm: Owner = {
  owns: (object) => markOf(object, "meta.helm.sh/release-name") !== undefined || isManagedBy(object, "Helm"),
  finding: (objects, owned) => {
    const releases = owned.flatMap(({ metadata }) => metadata.annotations?.["meta.helm.sh/release-name"] ?? []);
    const [name] = releases;
    return note(
      `Helm ${name === undefined ? "" : `(release ${listed([...new Set(releases)])}) `}has put ${objects} there: a helm upgrade in the middle of a release would write the chart's weights, image and replicas over the release's.`,
      `Run none meanwhile. Before the next one the chart's values have to say what the release has left: with promotion: update that is the new image alone.`,
    );
  },
};

/** Those that write what Git has of their own accord, and how each is stopped for a release. */
const others: readonly (readonly [who: string, owns: Owner["owns"], stop: string])[] = [
  [
    "Config Sync",
    (object) => markOf(object, "configmanagement.gke.io/managed") === "enabled" || writtenBy(object, /^configsync/),
    "Let Git annotate them client.lifecycle.config.k8s.io/mutation: ignore, which it then leaves to others.",
  ],
  [
    "Fleet",
    (object) => labelled(object, "objectset.rio.cattle.io/hash") || writtenBy(object, /^fleetagent/),
    `Pause it for the release: kubectl patch gitrepos.fleet.cattle.io NAME -n fleet-default --type merge -p '{"spec":{"paused":true}}', and with false afterwards.`,
  ],
  [
    "kapp",
    (object) => labelled(object, "kapp.k14s.io/app"),
    `Where kapp-controller applies it, pause it for the release: kubectl patch apps.kappctrl.k14s.io NAME -n NAMESPACE --type merge -p '{"spec":{"paused":true}}', and with false afterwards.`,
  ],
];

const otherOwners: readonly Owner[] = others.map(([who, owns, stop]) => ({
  owns,
  finding: (objects) =>
    warn(
      `${who} keeps ${objects} as Git has it: in the middle of a release it would take its changes back.`,
      `${stop} ${thenGit}`,
    ),
}));

/** Lists are atomic there: whoever ignores a weight ignores the whole list, which is another one in each kind. */
function ignoring(owned: readonly KubernetesObject[]): string {
  const lists = new Set(owned.flatMap(routeLists).map((list) => `.spec.${list}`));
  if (lists.size === 0) return "";
  return ` To ignore ${[...lists].join(" and ")} for ever would keep later changes of matches and timeouts from being synced, too.`;
}

function routeLists({ kind, spec }: KubernetesObject): readonly string[] {
  if (kind === "VirtualService") return routeSections.filter((section) => listAt(spec, section).length > 0);
  return gatewayKinds.some((one) => one.kind === kind) ? ["rules"] : [];
}

const thenGit =
  "Before it goes on, Git has to say what the release has left: with promotion: update that is the new image alone.";

/** What stops somebody for the time of a release, and lets them go on. */
type Pause = { readonly before: string; readonly after: string };

/** `unknown`: where no object says whose it is. */
function pause(pauses: readonly Pause[], unknown: Pause): string {
  const known = [...new Map(pauses.map((one) => [one.before, one])).values()];
  const distinct = known.length > 0 ? known : [unknown];
  const before = distinct.map((one) => one.before).join("; ");
  const after = distinct.map((one) => one.after).join("; ");
  return `Pause it for the release (${before}), and let it go on afterwards (${after}).`;
}

/** https://argo-cd.readthedocs.io/en/stable/user-guide/skip_reconcile/ (alpha since 2.7) */
function skipping({ namespace, name }: NamespacedName): Pause {
  const annotate = `kubectl annotate applications.argoproj.io ${name} -n ${namespace} argocd.argoproj.io/skip-reconcile`;
  return { before: `${annotate}=true --overwrite`, after: `${annotate}-` };
}

/** https://fluxcd.io/flux/cmd/flux_suspend/ */
const suspending = ({ kind, namespace, name }: NamespacedName & { readonly kind: string }): Pause => ({
  before: `flux suspend ${kind} ${name} -n ${namespace}`,
  after: `flux resume ${kind} ${name} -n ${namespace}`,
});

const someApplication = skipping({ namespace: "argocd", name: "APPLICATION" });
const someKustomization = suspending({ kind: "kustomization", namespace: "flux-system", name: "NAME" });

const isManagedBy = (object: KubernetesObject, who: string): boolean =>
  object.metadata.labels?.["app.kubernetes.io/managed-by"] === who;

const markOf = ({ metadata }: KubernetesObject, key: string): string | undefined =>
  metadata.annotations?.[key] ?? metadata.labels?.[key];

/** `shop:apps/Deployment:shop/reviews`, or `team_shop:…` where Applications are in several namespaces. */
function applicationsOf(object: KubernetesObject): readonly NamespacedName[] {
  const app = markOf(object, "argocd.argoproj.io/tracking-id")?.split(":")[0];
  const [name, namespace = "argocd"] = (
    app ??
    markOf(object, "argocd.argoproj.io/instance") ??
    byOldLabel(object) ??
    ""
  )
    .split("_")
    .filter((part) => part !== "")
    .toReversed();
  if (name === undefined) return [];
  return [{ namespace, name }];
}

/** Before version 3 Argo CD marked objects by a label that others have as well. */
const byOldLabel = (object: KubernetesObject): string | undefined =>
  writtenBy(object, /^argocd/) ? object.metadata.labels?.["app.kubernetes.io/instance"] : undefined;

const fluxKinds = { kustomize: "kustomization", helm: "helmrelease" } as const;

function fluxOwnersOf(object: KubernetesObject): readonly (NamespacedName & { readonly kind: string })[] {
  return Object.entries(fluxKinds).flatMap(([prefix, kind]) => {
    const name = markOf(object, `${prefix}.toolkit.fluxcd.io/name`);
    const namespace = markOf(object, `${prefix}.toolkit.fluxcd.io/namespace`) ?? "flux-system";
    if (name === undefined) return [];
    return [{ kind, namespace, name }];
  });
}

/** Its Services select by the hash of a Rollout's template. */
const selectsRollout = (object: KubernetesObject): boolean =>
  object.kind === "Service" && textAt(object, "spec", "selector", "rollouts-pod-template-hash") !== undefined;

/** Everything that the release writes or rests on; one finding for each owner, naming all its objects. */
export function ownersAreKnown(scene: Scene): readonly Finding[] {
  const objects = touched(scene);
  const all = [...owners, ...otherOwners];
  // Helm itself writes nothing of its own accord: whoever runs it is who counts.
  const byHand: Owner = { ...helm, owns: (object) => helm.owns(object) && !all.some(({ owns }) => owns(object)) };
  return [...all, byHand].flatMap(({ owns, finding }) => {
    const owned = objects.filter(owns);
    if (owned.length === 0) return [];
    return [finding(owned.map(placeWord).join(", "), owned)];
  });
}

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
