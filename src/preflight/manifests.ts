import { applyObject, ManifestRefusedError, releasedFields } from "../adapters/kubernetes/apply-object.ts";
import {
  canaryManifest,
  canaryManifestOf,
  inNamespace,
  isOfOther,
  marked,
  otherTemplate,
  type PodsBefore,
} from "../adapters/kubernetes/canary-manifest.ts";
import { journalName } from "../adapters/kubernetes/config-map-journal.ts";
import {
  cannotBeTriedOut,
  type FieldConflict,
  type KubernetesClient,
  KubernetesError,
} from "../adapters/kubernetes/kubernetes-client.ts";
import { leaseName } from "../adapters/kubernetes/lease-lock.ts";
import { serviceBehind } from "../istio/service.ts";
import { isAutoscaled } from "../kubernetes/autoscaler.ts";
import { changedFields } from "../kubernetes/changed-fields.ts";
import { withoutServerFields } from "../kubernetes/exported.ts";
import { field, listAt, textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../kubernetes/object.ts";
import { usesObject } from "../kubernetes/pod-references.ts";
import { identify, objectWord, type UserObject } from "../kubernetes/user-object.ts";
import { DeniedError } from "../lib/errors.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
import { answersRequests } from "./answering-manifests.ts";
import { listed } from "./finding.ts";
import { isComplete } from "./presence.ts";
import { routesRequests } from "./routing-objects.ts";
import type { Scene } from "./scene.ts";

type ManifestLook = { readonly client: KubernetesClient; readonly scene: Scene };

/** Looks at one manifest, and has the API server try it out: what would come of it, or why it cannot be applied. */
export async function inspectManifest(parts: ManifestLook, written: UserObject["object"]): Promise<readonly Finding[]> {
  if (parts.scene.namespace === undefined || !isComplete(written)) return []; // told of elsewhere
  const { object, dropped } = withoutServerFields(written);
  const manifest = identify(object);
  const unserved = await cannotBeServed(parts, manifest);
  if (unserved) return [unserved];
  const seen = looks(parts.scene, manifest);
  if (seen.some(({ level }) => level === "refuse")) return seen;
  const word = wordOf(parts.scene, manifest);
  const left =
    dropped.length === 0 ? [] : [note(`${word}: what an export has of the server is left out: ${listed(dropped)}.`)];
  return [...seen, ...left, ...hooks(word, object), ...(await triedOut(parts, manifest))];
}

const wordOf = ({ target }: Scene, { resource, name }: UserObject): string =>
  objectWord({ resource, name: `${target.namespace}/${name}` });

async function cannotBeServed({ client }: ManifestLook, { resource, name }: UserObject): Promise<Finding | undefined> {
  const { group, version, kind, plural } = resource;
  const served = await client.kinds(group, version);
  const found = served?.find((other) => other.kind === kind);
  const of = group === "" ? version : `${group}/${version}`;
  if (found === undefined) {
    const versions = await client.versions(group);
    const others = versions.filter((one) => one !== version).map((one) => `${group}/${one}`);
    const hint = others.length > 0 ? `It serves ${others.join(", ")}. ` : "";
    const next = served ? "Correct its kind or its apiVersion" : `${hint}Correct its apiVersion`;
    return refuse(
      `The API server does not serve ${kind} of ${of}, as the manifest of ${kind} ${name} has it.`,
      `${next}; kubectl api-resources lists what there is.`,
    );
  }
  if (!found.namespaced)
    return refuse(
      `${kind} ${name} belongs to no namespace, and a release changes nothing for the whole cluster.`,
      "Apply it beforehand, and take it out of the manifests.",
    );
  if (found.plural === plural) return undefined;
  return refuse(
    `${kind} ${name} cannot be applied: its kind has the plural ${found.plural}, and not ${plural}.`,
    "Apply it beforehand, and take it out of the manifests.",
  );
}

/** What its kind and its fields say already, whatever the API server thinks of it. */
const looks = (scene: Scene, manifest: UserObject): readonly Finding[] => {
  const word = wordOf(scene, manifest);
  return [isOfTheJob(word, manifest), routesRequests(scene, manifest), answersRequests(scene, word, manifest)].filter(
    (finding) => finding !== undefined,
  );
};

/** By these the program knows where its releases are, and that no other job runs one. */
function isOfTheJob(word: string, { resource: { kind }, name }: UserObject): Finding | undefined {
  const own: Readonly<Record<string, string>> = { ConfigMap: journalName(""), Lease: leaseName("") };
  const prefix = own[kind];
  if (prefix === undefined || !name.startsWith(prefix)) return undefined;
  return refuse(
    `The manifest of ${word} would write over what releases keep there: their journal, and their lock.`,
    "Take it out of the manifests, or give it another name.",
  );
}

const hooks = (word: string, object: unknown): readonly Finding[] =>
  textAt(object, "metadata", "annotations", "helm.sh/hook") === undefined
    ? []
    : [
        warn(
          `${word} is a hook of Helm's, and a release applies it like everything else.`,
          "Take it out of the manifests (helm template --no-hooks).",
        ),
      ];

/** Nothing refuses such an image before the kubelet does. */
const unfilledImages = (word: string, object: unknown): readonly Finding[] =>
  ["initContainers", "containers"]
    .flatMap((list) => listAt(object, "spec", "template", "spec", list))
    .filter((container) => textAt(container, "image")?.includes("${"))
    .map((container) =>
      refuse(
        `${word}: container ${textAt(container, "name")} has the image ${textAt(container, "image")}, which is not filled in.`,
        "List the variable under variables.",
      ),
    );

async function triedOut({ client, scene }: ManifestLook, manifest: UserObject): Promise<readonly Finding[]> {
  const { target } = scene;
  const canary = canaryManifestOf(target);
  const isCanary = canary !== undefined && objectWord(canary) === objectWord(manifest);
  if (isCanary && isOfOther(target, manifest)) return templateTriedOut({ client, scene }, manifest);
  const asReleased = isCanary ? canaryManifest(target, manifest, podsBefore(scene)) : manifest.object;
  const made = "problem" in asReleased ? manifest.object : asReleased; // why not is told elsewhere
  const live = await client.get(manifest.resource, target.namespace, manifest.name);
  const object = inNamespace(live ? made : marked(made, ""), target.namespace);
  const word = wordOf(scene, manifest);
  try {
    const options = { released: isCanary ? releasedFields(object) : [], dryRun: true };
    const applied = await applyObject(client, target.namespace, { ...manifest, object }, options);
    const unfilled = unfilledImages(word, object);
    if (!live) return [note(`${word} will be made; a rollback takes it away.`), ...unfilled];
    const strays = isCanary ? strayContainers(object, applied.object, word) : [];
    return [...changes(scene, { word, isCanary, live, ...applied }), ...unfilled, ...strays];
  } catch (error) {
    return [failure(word, error)];
  }
}

/** After a swap the Deployment that was stable is given a pod template, and nothing else of the manifest. */
async function templateTriedOut({ client, scene }: ManifestLook, manifest: UserObject): Promise<readonly Finding[]> {
  const { namespace, canary } = scene.target;
  const word = `Deployment ${namespace}/${canary.deployment}`;
  if (!scene.canary)
    return [
      refuse(
        `${word} does not exist: the last release made ${manifest.name} the stable version, so this one goes to ${canary.deployment}.`,
        "Create it once, scaled to 0 and with labels of its own, such as the manifests give with that name: from then on releases go back and forth between the two.",
      ),
    ];
  const made = otherTemplate(scene.target, manifest, scene.canary.podLabels);
  if ("problem" in made) return [];
  const body = [{ op: "replace" as const, path: "/spec/template", value: made.template }];
  try {
    await client.patch(resources.deployments, namespace, canary.deployment, { type: "json", body }, { dryRun: true });
  } catch (error) {
    return [failure(word, error)];
  }
  return [
    note(
      `${word} gets the pod template of the manifest of ${manifest.name}, which the last release made the stable version, with labels of its own.`,
    ),
    ...unfilledImages(word, { spec: { template: made.template } }),
  ];
}

const podsBefore = ({ stable, canary, autoscalers, target }: Scene): PodsBefore => ({
  stable: stable?.rollout.desired ?? 0,
  canary: canary?.rollout.desired,
  autoscaled: isAutoscaled(autoscalers, target.canary.deployment),
});

type AppliedChange = {
  readonly word: string;
  readonly isCanary: boolean;
  readonly live: KubernetesObject;
  readonly object: KubernetesObject;
  readonly taken: readonly FieldConflict[];
};

function changes(scene: Scene, { word, isCanary, live, object, taken }: AppliedChange): readonly Finding[] {
  const fields = changedFields(live, object);
  if (fields.length === 0) return [note(`${word} is there already, and stays as it is.`)];
  const changed = `${word} is there already, and changes: ${listed(fields)}`;
  if (isCanary)
    return [note(`${changed}${takenOver(taken)}. A rollback gives it its old pod template and replicas again.`)];
  if (isServiceOfRelease(scene, live) && fields.some((field) => field.startsWith(".spec")))
    return [
      refuse(
        `${changed}. By it the release's requests find their pods, before any weight is moved.`,
        "Take it out of the manifests.",
      ),
    ];
  if (stableUses(scene, live))
    return [
      refuse(
        `${changed}. The pods of ${scene.target.stable.deployment} use it, too: they would have what is meant for the canary, and no rollback would put it back.`,
        "Give it a name with the version in it.",
      ),
    ];
  return [
    warn(
      `${changed}. A rollback does not put it back.`,
      "If others use it, too, give it a name of its own, such as one with the version in it.",
    ),
  ];
}

function stableUses({ target, deployments }: Scene, { kind, metadata }: KubernetesObject): boolean {
  const stable = deployments.find((one) => one.metadata.name === target.stable.deployment);
  return usesObject(field(stable, "spec", "template"), kind, metadata.name);
}

const takenOver = (taken: readonly FieldConflict[]): string =>
  taken.length === 0
    ? ""
    : ` (taken over from ${[...new Set(taken.map(({ manager }) => manager))].join(", ")}: ${listed(taken.map(({ field }) => field))})`;

/** What another manager put there stays, whatever the manifest says. */
function strayContainers(written: unknown, object: KubernetesObject, word: string): readonly Finding[] {
  const namesIn = (deployment: unknown): readonly string[] =>
    listAt(deployment, "spec", "template", "spec", "containers").flatMap(
      (container) => textAt(container, "name") ?? [],
    );
  const own = namesIn(written);
  return namesIn(object)
    .filter((name) => !own.includes(name))
    .map((name) =>
      warn(
        `${word} keeps container ${name}, which the manifest does not have: somebody else put it there.`,
        "Delete the Deployment beforehand if it serves nobody, or add the container to the manifest.",
      ),
    );
}

const isServiceOfRelease = ({ hosts, services }: Scene, { kind, metadata }: KubernetesObject): boolean =>
  kind === "Service" &&
  [hosts.service, hosts.stable].some((host) => serviceBehind(services, host)?.metadata.name === metadata.name);

function failure(word: string, error: unknown): Finding {
  if (!(error instanceof DeniedError)) throw error;
  const cause = error instanceof ManifestRefusedError ? error.refusal : error;
  if (cause instanceof KubernetesError && cause.status === 403) throw cause; // a permission that is asked about anyway
  if (cause instanceof KubernetesError && cannotBeTriedOut(cause))
    return warn(
      `${word} could not be tried out: ${cause.message}.`,
      "Whether it is taken will show when it is applied.",
    );
  return refuse(
    error.message.endsWith(".") ? error.message : `${error.message}.`,
    error.next ?? "Correct the manifest.",
  );
}
