import { kindNamed } from "./kind.ts";
import { isObject, type Metadata, type StoredObject } from "./object.ts";
import type { Store } from "./store.ts";

export type Container = {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: unknown;
};

export type PodSpec = {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly nodeName?: string;
  readonly [field: string]: unknown;
};

export type PodTemplate = { readonly metadata?: Pick<Metadata, "labels" | "annotations">; readonly spec: PodSpec };

export type Condition = {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
  readonly lastUpdateTime?: string;
};

export type Terminated = {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
};

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

export type ContainerStatus = {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: { readonly terminated?: Terminated };
};

export type Pod = StoredObject & {
  readonly spec: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

export type ReplicaSetStatus = {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly conditions?: readonly Condition[];
};

export type ReplicaSet = StoredObject & {
  readonly spec: {
    readonly replicas: number;
    readonly minReadySeconds?: number;
    readonly selector: unknown;
    readonly template: PodTemplate;
  };
  readonly status?: ReplicaSetStatus;
};

export type Deployment = StoredObject & {
  readonly spec: {
    readonly replicas: number;
    readonly minReadySeconds?: number;
    readonly progressDeadlineSeconds: number;
    readonly revisionHistoryLimit: number;
    readonly paused?: boolean;
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly strategy: {
      readonly type: string;
      readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
    };
    readonly template: PodTemplate;
  };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly [field: string]: unknown };
};

const hasSpec = (object: StoredObject): boolean => isObject(object.spec);

// Their shape was validated and filled with defaults when they were written.
export const isPod = (object: StoredObject): object is Pod => object.kind === "Pod" && hasSpec(object);
export const isReplicaSet = (object: StoredObject): object is ReplicaSet =>
  object.kind === "ReplicaSet" && hasSpec(object);
export const isDeployment = (object: StoredObject): object is Deployment =>
  object.kind === "Deployment" && hasSpec(object);

const controls = (owner: StoredObject, object: StoredObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === owner.metadata.uid) ??
  false;

export const podsOf = (store: Store, owner: ReplicaSet): readonly Pod[] =>
  store
    .list(kindNamed("pods"), owner.metadata.namespace)
    .filter(isPod)
    .filter((pod) => controls(owner, pod));

export const replicaSetsOf = (store: Store, owner: Deployment): readonly ReplicaSet[] =>
  store
    .list(kindNamed("replicasets"), owner.metadata.namespace)
    .filter(isReplicaSet)
    .filter((replicaSet) => controls(owner, replicaSet));

export const conditionOf = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type);

export const isReady = (pod: Pod): boolean => conditionOf(pod.status?.conditions, "Ready")?.status === "True";

export const isTerminating = ({ metadata }: StoredObject): boolean => metadata.deletionTimestamp !== undefined;
