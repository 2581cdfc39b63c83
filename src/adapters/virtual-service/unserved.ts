import { rulesFor, subsetFor } from "../../istio/destination-rule.ts";
import { readHost } from "../../istio/host.ts";
import { selectorOfService, serviceBehind } from "../../istio/service.ts";
import { isTerminating, type KubernetesObject, placeWord, type Resource, resources } from "../../kubernetes/object.ts";
import { type Pod, readPod } from "../../kubernetes/pod.ts";
import { asQuery, carries, type Labels, showLabels } from "../../kubernetes/selector.ts";
import type { Unserved } from "../../release/observation.ts";
import type { Role, Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { readOnce } from "../kubernetes/read-once.ts";
import type { IstioApi } from "./istio-api.ts";
import { ruleNamespace } from "./own-rule.ts";

/**
 * For which of these versions no request can be answered, and why: its Service, its subset, or its pods are missing.
 * Three lists where both have one Service.
 */
export async function unserved(
  { client, destinationRules }: IstioApi,
  target: Target,
  among: readonly Role[],
): Promise<Unserved> {
  const reading = readOnce(client);
  const each = among.map(async (role) => {
    const because = await becauseOf(reading, destinationRules, target, role);
    return because === undefined ? [] : [[role, because] as const];
  });
  return Object.fromEntries((await Promise.all(each)).flat());
}

async function becauseOf(
  client: KubernetesClient,
  destinationRules: Resource,
  target: Target,
  role: Role,
): Promise<string | undefined> {
  const { host, subset } = target[role];
  const [services, rules] = await Promise.all([
    client.list(resources.services, target.namespace),
    subset === undefined ? [] : client.list(destinationRules, ruleNamespace(target)),
  ]);
  const selected = selectionOf(services, rules, target, role);
  if ("because" in selected) return selected.because;
  const labelSelector = asQuery({ matchLabels: selected.ofService, matchExpressions: [] });
  const pods = (await client.list(resources.pods, target.namespace, { labelSelector })).map(readPod);
  const serves = ({ labels, ready, terminating }: Pod): boolean =>
    ready && !terminating && carries(labels, selected.labels);
  if (pods.some(serves)) return undefined;
  const where = subset === undefined ? host : `subset ${subset} of ${host}`;
  return `no pod that is ready is behind ${where} (${showLabels(selected.labels)})`;
}

/** The labels of the pods that get a version's requests. */
function selectionOf(
  services: readonly KubernetesObject[],
  rules: readonly KubernetesObject[],
  target: Target,
  role: Role,
): { readonly labels: Labels; readonly ofService: Labels } | { readonly because: string } {
  const { namespace } = target;
  const host = readHost(target[role].host, namespace);
  const service = serviceBehind(services, host);
  if (!service) return { because: `Service ${namespace}/${host.service?.name ?? host.text} is gone` };
  if (isTerminating(service)) return { because: `${placeWord(service)} is being deleted` };
  const ofService = selectorOfService(service) ?? {};
  const name = target[role].subset;
  if (name === undefined) return { labels: ofService, ofService };
  const subset = subsetFor(rules, host, name);
  if (!subset) return { because: lacksSubset(target, role) };
  const definedIn = rulesFor(rules, host).find(({ word }) => word === subset.rule);
  if (definedIn && isTerminating(definedIn.object))
    return { because: `${subset.rule}, which has the subset ${name}, is being deleted` };
  return { labels: { ...ofService, ...subset.labels }, ofService };
}

export const lacksSubset = (target: Target, role: Role): string =>
  `no DestinationRule in namespace ${ruleNamespace(target)} has the subset ${target[role].subset}, which the routes name`;
