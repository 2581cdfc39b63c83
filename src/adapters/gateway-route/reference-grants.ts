import { gatewayGroup } from "../../istio/gateway-route.ts";
import { listAt, textAt } from "../../kubernetes/field.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { unlessDenied } from "../kubernetes/unless-forbidden.ts";
import { objectWord } from "../weighted-rules/describe.ts";
import { destinationRoles } from "../weighted-rules/destination-roles.ts";
import type { ChosenRoutes } from "../weighted-rules/read-routes.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { findKind } from "./gateway-api.ts";

/**
 * A backend in another namespace is one only where that namespace grants it; its share is answered with 500 otherwise:
 * https://gateway-api.sigs.k8s.io/api-types/referencegrant/
 */
export async function grantsAreThere(
  client: KubernetesClient,
  shape: RouteShape,
  { choice }: ChosenRoutes,
  target: Target,
): Promise<readonly Finding[]> {
  const { service } = destinationRoles(shape, target).canary.host;
  if (!service || service.namespace === choice.namespace) return [];
  const resource = await findKind(client, "ReferenceGrant");
  const grants = resource ? await unlessDenied(client.list(resource, service.namespace), undefined) : [];
  const word = `${objectWord(shape, choice)} would send to Service ${service.namespace}/${service.name}`;
  if (!grants)
    return [
      {
        level: "note",
        what: `${word}; whether a ReferenceGrant there allows it is not known: this job may not list them.`,
        next: `Look: kubectl -n ${service.namespace} get referencegrants. Without one its share is answered with 500.`,
      },
    ];
  if (grants.some((grant) => isFor(grant, shape.kind, choice.namespace, service.name))) return [];
  return [
    refuse(
      `${word}, which no ReferenceGrant in ${service.namespace} allows: the canary's share would be answered with 500.`,
      `Apply one there: {apiVersion: ${gatewayGroup}/v1beta1, kind: ReferenceGrant, metadata: {name: ${choice.name}}, spec: {from: [{group: ${gatewayGroup}, kind: ${shape.kind}, namespace: ${choice.namespace}}], to: [{group: "", kind: Service, name: ${service.name}}]}}.`,
    ),
  ];
}

const isFor = (grant: KubernetesObject, kind: string, namespace: string, service: string): boolean =>
  listAt(grant, "spec", "from").some(
    (from) =>
      textAt(from, "group") === gatewayGroup &&
      textAt(from, "kind") === kind &&
      textAt(from, "namespace") === namespace,
  ) &&
  listAt(grant, "spec", "to").some(
    (to) =>
      (textAt(to, "group") ?? "") === "" &&
      textAt(to, "kind") === "Service" &&
      (textAt(to, "name") ?? service) === service,
  );
