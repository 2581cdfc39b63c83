import { selectorOfService } from "../istio/service.ts";
import { field, listAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries } from "../kubernetes/selector.ts";
import type { Scene } from "./scene.ts";

/** The addresses by which a Service is answered that are no pod's of its namespace: machines, and other clusters. */
export function foreignEndpoints(
  { endpointSlices, workloadEntries, pods }: Pick<Scene, "endpointSlices" | "workloadEntries" | "pods">,
  service: KubernetesObject,
): readonly string[] {
  const { name } = service.metadata;
  const isPod = (endpoint: unknown): boolean => pods.some((pod) => pod.name === textAt(endpoint, "targetRef", "name"));
  const inSlices = endpointSlices
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)
    .flatMap((slice) => listAt(slice, "endpoints"))
    .filter((endpoint) => field(endpoint, "conditions", "ready") !== false && !isPod(endpoint))
    .flatMap((endpoint) => listAt(endpoint, "addresses").map(String));
  const selector = selectorOfService(service);
  // https://istio.io/latest/docs/reference/config/networking/workload-entry/
  const entries = workloadEntries.filter((entry) => selector && carries(textsAt(entry, "spec", "labels"), selector));
  return [...inSlices, ...entries.map((entry) => textAt(entry, "spec", "address") ?? entry.metadata.name)];
}
