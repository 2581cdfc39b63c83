import type { KubernetesClient } from "../../kubernetes/client.ts";
import { type KubernetesObject, type Resource, resources } from "../../kubernetes/object.ts";
import { RefusedError } from "../../lib/errors.ts";

/** The same schema under three names; every Istio from 1.24 on serves all of them, older ones lack the first. */
const known = ["v1", "v1beta1", "v1alpha3"];

/** The newest version of Istio's API that the server has, so that nobody has to configure one. */
export async function istioVersion(client: KubernetesClient): Promise<string> {
  const served = await client.versions(resources.virtualServices.group);
  const version = known.find((one) => served.includes(one));
  if (version !== undefined) return version;
  throw new RefusedError(
    `The cluster has no VirtualServices: it serves ${served.length === 0 ? "nothing" : served.join(", ")} of ${resources.virtualServices.group}.`,
    {
      next: "Install Istio, or check that the kubeconfig and its context lead to the right cluster.",
    },
  );
}

export const virtualServicesOf = (version: string): Resource => ({ ...resources.virtualServices, version });
export const destinationRulesOf = (version: string): Resource => ({ ...resources.destinationRules, version });

/** Who wrote the object's spec last, other than we: the name that client gave itself. Undefined when nobody else did after us. */
export function lastWriter({ metadata }: KubernetesObject, own: string): string | undefined {
  const entries = (Array.isArray(metadata.managedFields) ? metadata.managedFields : []).filter(isEntry).filter(({ subresource }) => subresource === undefined);
  const newest = entries.toSorted((a, b) => a.time.localeCompare(b.time)).at(-1);
  return newest && newest.manager !== own ? newest.manager : undefined;
}

type ManagedFields = { readonly manager: string; readonly time: string; readonly subresource?: string };

const isEntry = (entry: unknown): entry is ManagedFields =>
  typeof entry === "object" && entry !== null && "manager" in entry && typeof entry.manager === "string" && "time" in entry && typeof entry.time === "string";
