import { isDeepStrictEqual } from "node:util";
import type { KubernetesClient } from "../adapters/kubernetes/kubernetes-client.ts";
import { unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import { field, listAt, numberAt, textAt, textsAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord, resources } from "../kubernetes/object.ts";
import { readSelector, selects } from "../kubernetes/selector.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { listed } from "./finding.ts";
import { plannedObject } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

type BothDeployments = { readonly stable: KubernetesObject; readonly canary: KubernetesObject };

/** What keeps pods of both versions from running beside each other: volumes, ports of nodes, and rules about nodes. */
export async function inspectPlacement(client: KubernetesClient, scene: Scene): Promise<readonly Finding[]> {
  const stable = scene.deployments.find(({ metadata }) => metadata.name === scene.target.stable.deployment);
  const canary = plannedObject(scene.planned);
  if (!stable || !canary) return [];
  const pair = { stable, canary };
  return [
    ...(await sharedVolumes(client, scene, pair)),
    ...writtenVolumes(pair),
    ...sharedHostPorts(pair),
    ...separations(pair),
  ];
}

const claimsOf = (deployment: KubernetesObject): readonly string[] =>
  listAt(deployment, "spec", "template", "spec", "volumes").flatMap(
    (volume) => textAt(volume, "persistentVolumeClaim", "claimName") ?? [],
  );

async function sharedVolumes(
  client: KubernetesClient,
  { target: { namespace } }: Scene,
  { stable, canary }: BothDeployments,
): Promise<readonly Finding[]> {
  const ofStable = claimsOf(stable);
  const shared = [...new Set(claimsOf(canary))].filter((claim) => ofStable.includes(claim));
  const claims = await Promise.all(
    shared.map((claim) => unlessForbidden(client.get(resources.persistentVolumeClaims, namespace, claim))),
  );
  return shared.flatMap((name, at) => sharedVolume(`${namespace}/${name}`, claims[at], canary));
}

/** https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes */
function sharedVolume(name: string, claim: KubernetesObject | undefined, canary: KubernetesObject): readonly Finding[] {
  const word = `PersistentVolumeClaim ${name}`;
  const modes = listAt(claim, "spec", "accessModes").map(String);
  if (modes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany")) return [];
  const next = "Give the canary a volume of its own (from: manifests), or one that may be shared (ReadWriteMany).";
  if (modes.includes("ReadWriteOncePod"))
    return [
      refuse(`${word} can be used by one pod only, and stable's has it: ${placeWord(canary)} would get no pod.`, next),
    ];
  const what = modes.includes("ReadWriteOnce")
    ? "can be used on one node only"
    : "could not be read, and may be for one node only";
  return [
    warn(
      `${word} ${what}: the pods of ${placeWord(canary)} start beside stable's or not at all, and both write to it.`,
      next,
    ),
  ];
}

/** Disks that one node at a time can have, unless for reading: https://kubernetes.io/docs/concepts/storage/volumes/ */
const disks: readonly string[] = [
  "awsElasticBlockStore",
  "azureDisk",
  "cinder",
  "fc",
  "flexVolume",
  "gcePersistentDisk",
  "iscsi",
  "portworxVolume",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
];

/** Volumes that both pod templates name themselves, without a claim. */
function writtenVolumes({ stable, canary }: BothDeployments): readonly Finding[] {
  const sourcesOf = (deployment: KubernetesObject) =>
    listAt(deployment, "spec", "template", "spec", "volumes").flatMap((volume) =>
      [...disks, "hostPath"].flatMap((kind) => {
        const source = field(volume, kind);
        return source === undefined || field(source, "readOnly") === true
          ? []
          : [{ kind, source, name: textAt(volume, "name") ?? "" }];
      }),
    );
  const ofStable = sourcesOf(stable);
  return sourcesOf(canary)
    .filter(({ source }) => ofStable.some((one) => isDeepStrictEqual(one.source, source)))
    .map(({ kind, source, name }) => {
      const what =
        kind === "hostPath"
          ? `is the folder ${textAt(source, "path")} of the node: pods of both versions on one node write to it, and on another node they find another one`
          : "can be used on one node only: the pods start beside stable's or not at all, and both write to it";
      return warn(
        `Volume ${name} (${kind}) of ${placeWord(canary)} is stable's, too, and ${what}.`,
        "Give the canary a volume of its own (from: manifests), or one that may be shared (ReadWriteMany).",
      );
    });
}

function hostPortsOf(deployment: KubernetesObject): readonly number[] {
  const podSpec = field(deployment, "spec", "template", "spec");
  const ports = listAt(podSpec, "containers").flatMap((container) => listAt(container, "ports"));
  const name = field(podSpec, "hostNetwork") === true ? "containerPort" : "hostPort";
  return ports.flatMap((port) => numberAt(port, name) ?? []);
}

function sharedHostPorts({ stable, canary }: BothDeployments): readonly Finding[] {
  const ofStable = hostPortsOf(stable);
  const shared = hostPortsOf(canary).filter((port) => ofStable.includes(port));
  if (shared.length === 0) return [];
  return [
    warn(
      `The pods of both versions want port ${listed(shared.map(String))} of their node: ${placeWord(canary)} gets pods only on nodes without one of stable's.`,
      "Make sure that there are enough nodes, or take hostPort away: a Service needs none.",
    ),
  ];
}

/** Rules of both count: a pod may also not come to where another one's rule forbids it. */
function separations({ stable, canary }: BothDeployments): readonly Finding[] {
  const [ofStable, ofCanary] = [labelsOf(stable), labelsOf(canary)];
  const terms = [
    ...termsOf(canary).filter((term) => selects(selectorOf(term), ofStable)),
    ...termsOf(stable).filter((term) => selects(selectorOf(term), ofCanary)),
  ];
  const ofItself = termsOf(canary).filter((term) => selects(selectorOf(term), ofCanary));
  const topologies = [...new Set([...terms, ...ofItself].map((term) => textAt(term, "topologyKey") ?? ""))];
  if (topologies.length === 0) return [];
  const from = terms.length > 0 ? "one of the other version's" : "one of its own";
  return [
    warn(
      `By a required podAntiAffinity no pod of ${placeWord(canary)} may share its ${topologies.join(", ")} with ${from}: its pods need as many more.`,
      "Make sure that there are enough, or make it preferredDuringSchedulingIgnoredDuringExecution.",
    ),
  ];
}

const labelsOf = (deployment: KubernetesObject) => textsAt(deployment, "spec", "template", "metadata", "labels");

const selectorOf = (term: unknown) => readSelector(field(term, "labelSelector"));

const termsOf = (deployment: KubernetesObject): readonly unknown[] =>
  listAt(
    field(deployment, "spec", "template", "spec", "affinity", "podAntiAffinity"),
    "requiredDuringSchedulingIgnoredDuringExecution",
  ).filter((term) => field(term, "labelSelector") !== undefined); // without one a term means no pod
