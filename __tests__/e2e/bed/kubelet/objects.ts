import type { KubernetesObject, Metadata } from "../../../../src/kubernetes/object.ts";

// The fields that a kubelet reads. Raw JSON as elsewhere: what is not named here is still there.

export type Probe = {
  readonly httpGet?: { readonly path?: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
};

export type ContainerSpec = {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: Probe;
  readonly restartPolicy?: "Always";
  readonly resources?: { readonly requests?: { readonly cpu?: string } };
};

export type Pod = KubernetesObject & {
  readonly metadata: Metadata & {
    readonly namespace: string;
    readonly uid: string;
    readonly generateName?: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly initContainers?: readonly ContainerSpec[];
    readonly containers: readonly ContainerSpec[];
  };
  readonly status?: { readonly podIP?: string };
};

export type Service = KubernetesObject & {
  readonly metadata: Metadata & { readonly namespace: string; readonly creationTimestamp?: string };
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
};

export type EndpointSlice = KubernetesObject & {
  readonly metadata: Metadata & { readonly namespace: string };
  readonly endpoints:
    | readonly { readonly addresses: readonly string[]; readonly conditions?: { readonly ready?: boolean } }[]
    | null;
  readonly ports: readonly { readonly name?: string; readonly port: number }[] | null;
};

/** Kubernetes gives times in whole seconds. */
export const timestamp = (at: number = Date.now()): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

/** Selects nothing when empty, as a Service's selector does. */
export const selects = (
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean =>
  selector !== undefined &&
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([key, value]) => labels?.[key] === value);
