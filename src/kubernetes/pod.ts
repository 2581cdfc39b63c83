import { type Condition, readCondition } from "./deployment.ts";
import { field, listAt, numberAt, textAt, textsAt } from "./field.ts";
import type { KubernetesObject } from "./object.ts";
import type { Labels } from "./selector.ts";

/** What a release reads of a pod. */
export type Pod = {
  readonly uid: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Who looks after it; undefined for a bare one. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
  /** The ReplicaSet that made it, and the hash of the template it was made from. */
  readonly replicaSet: string | undefined;
  readonly templateHash: string | undefined;
  readonly terminating: boolean;
  readonly phase: string;
  readonly ready: boolean;
  readonly conditions: readonly Condition[];
  /** Names of all its containers; sidecars may be init containers that go on running. */
  readonly containerNames: readonly string[];
  readonly statuses: readonly ContainerStatus[];
};

export type ContainerStatus = {
  readonly name: string;
  readonly image: string;
  /**
   * What of the image never changes, as the registry names it: `sha256:…`. Undefined where the kubelet knows only a
   * name of its own, which differs from node to node.
   */
  readonly digest: string | undefined;
  readonly restarts: number;
  readonly waiting?: { readonly reason: string; readonly message: string } | undefined;
  /** How its last run ended. */
  readonly ended?: { readonly exitCode: number; readonly reason: string } | undefined;
};

export function readPod(raw: KubernetesObject): Pod {
  const { metadata } = raw;
  const conditions = listAt(raw, "status", "conditions").map(readCondition);
  return {
    uid: metadata.uid ?? "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: textsAt(metadata, "annotations"),
    owner: listAt(metadata, "ownerReferences")
      .filter((owner) => field(owner, "controller") === true)
      .map((owner) => ({ kind: textAt(owner, "kind") ?? "", name: textAt(owner, "name") ?? "" }))[0],
    replicaSet: listAt(metadata, "ownerReferences")
      .filter((owner) => textAt(owner, "kind") === "ReplicaSet")
      .map((owner) => textAt(owner, "name"))[0],
    templateHash: metadata.labels?.["pod-template-hash"],
    terminating: field(metadata, "deletionTimestamp") !== undefined,
    phase: textAt(raw, "status", "phase") ?? "",
    ready: conditions.some(({ type, status }) => type === "Ready" && status === "True"),
    conditions,
    containerNames: listsAt(raw, "spec", "initContainers", "containers").flatMap(
      (container) => textAt(container, "name") ?? [],
    ),
    statuses: listsAt(raw, "status", "initContainerStatuses", "containerStatuses").map(readStatus),
  };
}

const listsAt = (raw: unknown, parent: string, ...names: readonly string[]): readonly unknown[] =>
  names.flatMap((name) => listAt(raw, parent, name));

function readStatus(raw: unknown): ContainerStatus {
  return {
    name: textAt(raw, "name") ?? "",
    image: textAt(raw, "image") ?? "",
    digest: textAt(raw, "imageID")?.split("@")[1],
    restarts: numberAt(raw, "restartCount") ?? 0,
    waiting: readWaiting(field(raw, "state", "waiting")),
    ended: readEnded(field(raw, "lastState", "terminated") ?? field(raw, "state", "terminated")),
  };
}

const readWaiting = (raw: unknown): ContainerStatus["waiting"] =>
  raw === undefined ? undefined : { reason: textAt(raw, "reason") ?? "", message: textAt(raw, "message") ?? "" };

const readEnded = (raw: unknown): ContainerStatus["ended"] =>
  raw === undefined ? undefined : { exitCode: numberAt(raw, "exitCode") ?? 0, reason: textAt(raw, "reason") ?? "" };

/**
 * Selectors may overlap, names do not: the controller names a ReplicaSet by its Deployment and the hash of its
 * template.
 */
export const isPodOf = (deployment: string, { replicaSet, templateHash }: Pod): boolean =>
  templateHash !== undefined && replicaSet === `${deployment}-${templateHash}`;
