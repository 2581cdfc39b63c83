import { readHost } from "../../istio/host.ts";
import { selectorOfService, serviceBehind } from "../../istio/service.ts";
import { isTerminating, type KubernetesObject, placeWord, resources } from "../../kubernetes/object.ts";
import { type Pod, readPod } from "../../kubernetes/pod.ts";
import { asQuery, carries, type Labels, showLabels } from "../../kubernetes/selector.ts";
import type { Unserved } from "../../release/observation.ts";
import type { Role, Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { readOnce } from "../kubernetes/read-once.ts";

/** The labels by which a version's pods are told from the others of its Service, or why they are not known. */
export type Narrowing = (client: KubernetesClient, role: Role) => Promise<{ readonly labels: Labels } | Because>;

type Because = { readonly because: string };

/** A Service alone is a version. */
const byService: Narrowing = async () => ({ labels: {} });

/**
 * For which of these versions no request can be answered, and why: its Service, its subset, or its pods are missing.
 * Three lists where both have one Service.
 */
export async function unservedAmong(
  client: KubernetesClient,
  target: Target,
  among: readonly Role[],
  narrowed: Narrowing = byService,
): Promise<Unserved> {
  const reading = readOnce(client);
  const each = among.map(async (role) => {
    const because = await becauseOf(reading, target, role, narrowed);
    return because === undefined ? [] : [[role, because] as const];
  });
  return Object.fromEntries((await Promise.all(each)).flat());
}

async function becauseOf(
  client: KubernetesClient,
  target: Target,
  role: Role,
  narrowed: Narrowing,
): Promise<string | undefined> {
  const { host, subset } = target[role];
  const [services, narrowing] = await Promise.all([
    client.list(resources.services, target.namespace),
    narrowed(client, role),
  ]);
  const service = selectorOf(services, target, role);
  if ("because" in service) return service.because;
  if ("because" in narrowing) return narrowing.because;
  const labels = { ...service.labels, ...narrowing.labels };
  const labelSelector = asQuery({ matchLabels: service.labels, matchExpressions: [] });
  const pods = (await client.list(resources.pods, target.namespace, { labelSelector })).map(readPod);
  const serves = ({ labels: ofPod, ready, terminating }: Pod): boolean =>
    ready && !terminating && carries(ofPod, labels);
  if (pods.some(serves)) return undefined;
  const where = subset === undefined ? host : `subset ${subset} of ${host}`;
  return `no pod that is ready is behind ${where} (${showLabels(labels)})`;
}

function selectorOf(
  services: readonly KubernetesObject[],
  { namespace, ...target }: Target,
  role: Role,
): { readonly labels: Labels } | Because {
  const host = readHost(target[role].host, namespace);
  const service = serviceBehind(services, host);
  if (!service) return { because: `Service ${namespace}/${host.service?.name ?? host.text} is gone` };
  if (isTerminating(service)) return { because: `${placeWord(service)} is being deleted` };
  return { labels: selectorOfService(service) ?? {} };
}
