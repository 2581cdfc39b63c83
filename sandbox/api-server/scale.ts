import { isObject, type SentObject, type StoredObject } from "./object.ts";

const fields = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});

/** The `scale` subresource: how many replicas a workload has and wants, whatever its kind. */
export function readScale({ metadata, spec, status }: StoredObject): Readonly<Record<string, unknown>> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = Object.entries(fields(fields(fields(spec).selector).matchLabels)).map(
    ([key, value]) => `${key}=${String(value)}`,
  );
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: fields(spec).replicas === 0 ? {} : { replicas: fields(spec).replicas },
    status: { replicas: fields(status).replicas ?? 0, selector: labels.join(",") },
  };
}

export function writeScale(object: StoredObject, scale: unknown): SentObject {
  const { replicas = 0 } = fields(fields(scale).spec);
  const { resourceVersion } = fields(fields(scale).metadata);
  return {
    ...object,
    metadata: { ...object.metadata, ...(typeof resourceVersion === "string" ? { resourceVersion } : {}) },
    spec: { ...fields(object.spec), replicas },
  };
}
