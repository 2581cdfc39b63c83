import { covers, type Host, readHost } from "../istio/host.ts";
import { listAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { UserObject } from "../kubernetes/user-object.ts";
import type { Scene } from "./scene.ts";

/** Kinds by which a request finds its version, as far as they name its host. */
const routing: Readonly<Record<string, RegExp>> = {
  "networking.istio.io": /^(VirtualService|DestinationRule|ServiceEntry)$/,
  "gateway.networking.k8s.io": /Route$/,
};

/** Whether an object says where requests of the release go: the one that it moves, or another one for the same hosts. */
export function isRoutingOf(
  { target, hosts }: Scene,
  { resource: { group, kind }, name, object }: UserObject,
): boolean {
  if (!routing[group]?.test(kind)) return false;
  const { namespace } = target;
  if (target.routes.some((route) => route.kind === kind && route.name === name && route.namespace === namespace))
    return true;
  return hostsIn(object.spec, namespace).some((host) => Object.values(hosts).some((ours) => covers(host, ours)));
}

/** Every host that stands anywhere below: of destinations and mirrors, of rules, and of references to Services. */
function hostsIn(value: unknown, namespace: string): readonly Host[] {
  if (Array.isArray(value)) return value.flatMap((item) => hostsIn(item, namespace));
  if (typeof value !== "object" || value === null) return [];
  const named = [textAt(value, "host"), ...listAt(value, "hosts"), ...listAt(value, "hostnames")];
  const referred = ["backendRefs", "parentRefs"]
    .flatMap((list) => listAt(value, list))
    .filter((reference) => (textAt(reference, "kind") ?? "Service") === "Service")
    .map((reference) => `${textAt(reference, "name")}.${textAt(reference, "namespace") ?? namespace}`);
  return [
    ...[...named, ...referred].filter((text) => typeof text === "string").map((text) => readHost(text, namespace)),
    ...Object.values(objectAt({ value }, "value")).flatMap((inner) => hostsIn(inner, namespace)),
  ];
}
