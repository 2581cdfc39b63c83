import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (isObject(value) ? value : {});
const each = (value: unknown, change: (item: Fields) => Fields): unknown =>
  Array.isArray(value) ? value.map((item) => (isObject(item) ? change(item) : item)) : value;
/** Only a field that is there gets its defaults: an absent list stays absent. */
const ifThere = (name: string, value: unknown): Fields => (value === undefined ? {} : { [name]: value });

const probe = (value: unknown): unknown =>
  isObject(value)
    ? {
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
        ...value,
        ...(isObject(value.httpGet) ? { httpGet: { path: "/", scheme: "HTTP", ...value.httpGet } } : {}),
      }
    : value;

const pullPolicy = (image: unknown): string =>
  /:latest$|^[^:@]*$/.test(
    String(image ?? "")
      .split("/")
      .at(-1) ?? "",
  )
    ? "Always"
    : "IfNotPresent";

const variable = (item: Fields): Fields => {
  const { valueFrom } = item;
  if (!isObject(valueFrom) || !isObject(valueFrom.fieldRef)) return item;
  return { ...item, valueFrom: { ...valueFrom, fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } } };
};

const volume = (item: Fields): Fields => ({
  ...item,
  ...(isObject(item.configMap) ? { configMap: { defaultMode: 420, ...item.configMap } } : {}),
  ...(isObject(item.secret) ? { secret: { defaultMode: 420, ...item.secret } } : {}),
});

const container = (item: Fields): Fields => ({
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  imagePullPolicy: pullPolicy(item.image),
  ...item,
  ...ifThere(
    "ports",
    each(item.ports, (port) => ({ protocol: "TCP", ...port })),
  ),
  ...ifThere("env", each(item.env, variable)),
  ...ifThere("readinessProbe", probe(item.readinessProbe)),
  ...ifThere("livenessProbe", probe(item.livenessProbe)),
  ...ifThere("startupProbe", probe(item.startupProbe)),
});

const podSpec = (spec: Fields): Fields => ({
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
  ...(typeof spec.serviceAccountName === "string" ? { serviceAccount: spec.serviceAccountName } : {}),
  ...spec,
  ...ifThere("volumes", each(spec.volumes, volume)),
  ...ifThere("containers", each(spec.containers, container)),
  ...ifThere("initContainers", each(spec.initContainers, container)),
});

function template(value: unknown): Fields {
  const { spec, ...rest } = fields(value);
  return { ...rest, spec: podSpec(fields(spec)) };
}

const rolling = { maxUnavailable: "25%", maxSurge: "25%" };

function strategy(value: unknown): Fields {
  const { type = "RollingUpdate", rollingUpdate } = fields(value);
  return type === "RollingUpdate"
    ? { type, rollingUpdate: { ...rolling, ...fields(rollingUpdate) } }
    : { ...fields(value), type };
}

const servicePort = (port: Fields): Fields => ({ protocol: "TCP", targetPort: port.port, ...port });

const specDefaults: Readonly<Record<string, (spec: Fields) => Fields>> = {
  Deployment: (spec) => ({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...spec,
    template: template(spec.template),
    strategy: strategy(spec.strategy),
  }),
  ReplicaSet: (spec) => ({ replicas: 1, ...spec, template: template(spec.template) }),
  Pod: (spec) => ({
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    priority: 0,
    ...podSpec(spec),
  }),
  Service: (spec) => ({
    sessionAffinity: "None",
    type: "ClusterIP",
    internalTrafficPolicy: "Cluster",
    ...spec,
    ...ifThere("ports", each(spec.ports, servicePort)),
  }),
  HorizontalPodAutoscaler: (spec) => ({ minReplicas: 1, ...spec }),
};

/** Fills in what the server fills in: https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/apps/v1/defaults.go */
export function withDefaults<T extends Fields>(kind: Kind, object: T): T {
  const { kind: name } = kind;
  const change = specDefaults[name];
  return change === undefined ? object : { ...object, spec: change(fields(object.spec)) };
}

/** A status that exists from the first moment on. */
export const firstStatus: Readonly<Record<string, Fields>> = {
  Namespace: { phase: "Active" },
  Pod: { phase: "Pending", qosClass: "BestEffort" },
  Service: { loadBalancer: {} },
  Deployment: {},
  ReplicaSet: { replicas: 0 },
  HorizontalPodAutoscaler: { currentMetrics: null, desiredReplicas: 0 },
};
