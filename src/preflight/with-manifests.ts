import { gatewayGroup, gatewayRulesOf } from "../istio/gateway-route.ts";
import { withoutServerFields } from "../kubernetes/exported.ts";
import { field, objectAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject, Resource } from "../kubernetes/object.ts";
import { identify } from "../kubernetes/user-object.ts";
import type { Target } from "../release/target.ts";
import { isComplete } from "./presence.ts";
import type { Scene } from "./scene.ts";

/** The user's objects as they will be in the cluster, those that can be none left out. */
export const manifestObjects = ({ source, namespace }: Target): readonly KubernetesObject[] =>
  source.from !== "manifests"
    ? []
    : source.objects.filter(isComplete).map((written) => {
        const { object } = withoutServerFields(written);
        const metadata = { ...objectAt(object, "metadata"), namespace, name: textAt(object, "metadata", "name") ?? "" };
        return {
          ...object,
          apiVersion: textAt(object, "apiVersion") ?? "",
          kind: textAt(object, "kind") ?? "",
          metadata,
        };
      });

type Kind = Pick<Resource, "group" | "kind">;

/**
 * The objects of a kind as they will be once the manifests are applied: an apply keeps what it does not name. What
 * changes nothing is the object that is there.
 */
export function withManifests(
  live: readonly KubernetesObject[],
  { group, kind }: Kind,
  target: Target,
): readonly KubernetesObject[] {
  const brought = manifestObjects(target).filter((object) => {
    const { resource } = identify(object);
    return resource.group === group && resource.kind === kind;
  });
  const future = brought.map((object) => {
    const before = live.find(({ metadata }) => isSame(metadata, object.metadata));
    return before && has(before.spec, object.spec) ? before : applied(before, object);
  });
  return [...live.filter(({ metadata }) => !brought.some((object) => isSame(metadata, object.metadata))), ...future];
}

function applied(before: KubernetesObject | undefined, object: KubernetesObject): KubernetesObject {
  const spec = { ...objectAt(before, "spec"), ...objectAt(object, "spec") };
  return { ...before, ...object, metadata: { ...before?.metadata, ...object.metadata }, spec };
}

/** Whether everything written is there already, beside what the server has added. */
function has(there: unknown, written: unknown): boolean {
  if (Array.isArray(written))
    return Array.isArray(there) && there.length === written.length && written.every((item, at) => has(there[at], item));
  if (typeof written !== "object" || written === null) return there === written;
  return Object.entries(written).every(([name, value]) => has(field(there, name), value));
}

const isSame = (one: KubernetesObject["metadata"], other: KubernetesObject["metadata"]): boolean =>
  one.name === other.name && one.namespace === other.namespace;

/** Routes of the Gateway API that the manifests bring send from when they are applied. */
export const rulesOfManifests = (target: Target) =>
  manifestObjects(target)
    .filter((object) => identify(object).resource.group === gatewayGroup)
    .flatMap(gatewayRulesOf);

/** Where in a scene the objects of a kind are that decide beside the routes who reaches which pods, and what they do. */
const neighbours = {
  services: { group: "", kind: "Service" },
  ingresses: { group: "networking.k8s.io", kind: "Ingress" },
  networkPolicies: { group: "networking.k8s.io", kind: "NetworkPolicy" },
  authorizationPolicies: { group: "security.istio.io", kind: "AuthorizationPolicy" },
  requestAuthentications: { group: "security.istio.io", kind: "RequestAuthentication" },
  peerAuthentications: { group: "security.istio.io", kind: "PeerAuthentication" },
  envoyFilters: { group: "networking.istio.io", kind: "EnvoyFilter" },
  wasmPlugins: { group: "extensions.istio.io", kind: "WasmPlugin" },
  sidecars: { group: "networking.istio.io", kind: "Sidecar" },
  autoscalers: { group: "autoscaling", kind: "HorizontalPodAutoscaler" },
  disruptionBudgets: { group: "policy", kind: "PodDisruptionBudget" },
} as const satisfies Partial<Record<keyof Scene, Kind>>;

/** What a release meets from when it has applied the manifests. */
export function sceneWithManifests(scene: Scene): Scene {
  const { target, gatewayRules } = scene;
  if (target.source.from !== "manifests") return scene;
  const names = Object.keys(neighbours) as (keyof typeof neighbours)[];
  const future = names.map((name) => [name, withManifests(scene[name], neighbours[name], target)] as const);
  return { ...scene, ...Object.fromEntries(future), gatewayRules: [...gatewayRules, ...rulesOfManifests(target)] };
}
