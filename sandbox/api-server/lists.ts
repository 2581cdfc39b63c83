/**
 * Which lists of built-in kinds are sets of items with keys, for server-side apply and strategic merge patch:
 * the `x-kubernetes-list-map-keys` of the server's OpenAPI description. Every other list is replaced as a whole,
 * and so is every list of Istio's custom resources.
 */
const byKey: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  env: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  conditions: ["type"],
  ownerReferences: ["uid"],
  podIPs: ["ip"],
  secrets: ["name"],
};

/** The keys of the items of the list at this path; undefined for a list that is one value. */
export function listKeys(path: readonly string[]): readonly string[] | undefined {
  const field = path.at(-1) ?? "";
  if (field === "ports")
    return path.includes("template") || path.includes("containers")
      ? ["containerPort", "protocol"]
      : ["port", "protocol"];
  return byKey[field];
}

/** Objects that are one value though they have fields: `x-kubernetes-map-type: atomic`. */
export const isAtomic = (path: readonly string[]): boolean =>
  ["selector", "labelSelector", "nodeSelector", "configMapKeyRef", "secretKeyRef", "fieldRef"].includes(
    path.at(-1) ?? "",
  );

/** Defaults that a key has before the server fills in the rest. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

export const keyOfItem = (
  item: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(keys.map((key) => [key, item[key] ?? keyDefaults[key] ?? null]));
