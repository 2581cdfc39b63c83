import { istioResources } from "../adapters/kubernetes/istio-version.ts";
import type { KubernetesClient } from "../adapters/kubernetes/kubernetes-client.ts";
import { listEverywhere, type WideList } from "../adapters/kubernetes/list-everywhere.ts";
import { unlessDenied } from "../adapters/kubernetes/unless-forbidden.ts";
import { canaryLabels } from "../istio/canary-labels.ts";
import type { GatewayRule } from "../istio/gateway-route.ts";
import { type EntrySource, isIp, sourcesOf } from "../istio/service-entry.ts";
import { readDeployment } from "../kubernetes/deployment.ts";
import { textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, type Resource, resources } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { RouteFact, RouteLook } from "../ports/route-family.ts";
import { configuredLabels, type Role, type Target } from "../release/target.ts";
import { readGatewayRules } from "./gateway-rules.ts";
import { planCanary, plannedDeployment } from "./planned-canary.ts";
import { rulesOfManifests, withManifests } from "./with-manifests.ts";

/** Everything that may send requests to one of the two versions, as far as it may be read. */
export type Neighbourhood = {
  readonly target: Target;
  readonly facts: readonly RouteFact[];
  readonly gatewayRules: readonly GatewayRule[];
  readonly services: readonly KubernetesObject[];
  readonly ingresses: readonly KubernetesObject[];
  /** What the ServiceEntries of every namespace lead to, or of those that may be read. */
  readonly entries: readonly KnownEntry[];
  /** Of every namespace, since each may have its own for the clients in it; or of those that may be read. */
  readonly destinationRules: readonly KubernetesObject[];
  /** Of the pods that a version has, or will have. Undefined where it has none to lose. */
  readonly podLabels: Readonly<Record<Role, Labels | undefined>>;
  /** What could not be read, in words. */
  readonly unread: readonly string[];
};

/** A ServiceEntry, and where it sends requests to. */
export type KnownEntry = {
  readonly entry: KubernetesObject;
  readonly sources: readonly EntrySource[];
  /** The labels of the pods among its addresses. */
  readonly podsAt: ReadonlyMap<string, Labels>;
};

export async function readNeighbourhood(
  client: KubernetesClient,
  look: Pick<RouteLook, "everywhere">,
  target: Target,
): Promise<Neighbourhood> {
  const { namespace, stable, canary } = target;
  const [services, deployments, rules, ofMesh, ofGateways, ingresses, ofEntries] = await Promise.all([
    client.list(resources.services, namespace),
    client.list(resources.deployments, namespace),
    readDestinationRules(client, namespace),
    look.everywhere(),
    readGatewayRules(client, target),
    unlessDenied(client.list(resources.ingresses, namespace, { doubts: 1 }), []),
    readEntries(client, namespace),
  ]);
  const named = (name: string): KubernetesObject | undefined =>
    deployments.find(({ metadata }) => metadata.name === name);
  const [rawStable, rawCanary] = [named(stable.deployment), named(canary.deployment)];
  const inNamespace = rules.objects.filter(({ metadata }) => metadata.namespace === namespace);
  const labels = canaryLabels({
    ...target,
    given: configuredLabels(target),
    services,
    destinationRules: inNamespace,
  });
  const planned = plannedDeployment(planCanary(target, labels, rawStable, rawCanary));
  return {
    target,
    facts: ofMesh.facts,
    gatewayRules: ofGateways.rules,
    services,
    ingresses,
    entries: ofEntries.entries,
    destinationRules: rules.objects,
    podLabels: {
      stable: rawStable && labelsOfPods(rawStable),
      canary: planned?.podLabels ?? (rawCanary && labelsOfPods(rawCanary)),
    },
    unread: [...ofMesh.unread, ...rules.unread, ...ofGateways.unread, ...ofEntries.unread],
  };
}

/** … and as they will be once the manifests are applied. */
export const neighbourhoodWithManifests = (around: Neighbourhood): Neighbourhood => ({
  ...around,
  services: withManifests(around.services, { group: "", kind: "Service" }, around.target),
  gatewayRules: [...around.gatewayRules, ...rulesOfManifests(around.target)],
});

function labelsOfPods(deployment: KubernetesObject): Labels | undefined {
  const { podLabels, rollout } = readDeployment(deployment);
  return rollout.desired > 0 ? podLabels : undefined;
}

/** Where not even those of the namespace may be read, the versions' subsets are not known, and the release is refused. */
async function readDestinationRules(
  client: KubernetesClient,
  namespace: string,
): Promise<Pick<WideList, "objects" | "unread">> {
  const istio = await istioResources(client);
  return istio ? listEverywhere(client, istio.destinationRules, [namespace]) : { objects: [], unread: [] };
}

async function readEntries(
  client: KubernetesClient,
  namespace: string,
): Promise<{ readonly entries: readonly KnownEntry[]; readonly unread: readonly string[] }> {
  const version = (await istioResources(client))?.virtualServices.version;
  if (version === undefined) return { entries: [], unread: [] };
  const list = (resource: Resource): Promise<Pick<WideList, "objects" | "unread">> =>
    unlessDenied(listEverywhere(client, { ...resource, version }, [namespace]), { objects: [], unread: [] });
  const [entries, workloads] = await Promise.all([list(resources.serviceEntries), list(resources.workloadEntries)]);
  const known = entries.objects.map((entry) => ({ entry, sources: sourcesOf(entry, workloads.objects) }));
  const isByAddress = known.some(({ sources }) => sources.some((one) => "address" in one && isIp(one.address)));
  const pods = isByAddress ? await client.list(resources.pods, namespace) : [];
  const podsAt = new Map(
    pods.flatMap((pod) => {
      const ip = textAt(pod, "status", "podIP");
      return ip === undefined ? [] : [[ip, pod.metadata.labels ?? {}] as const];
    }),
  );
  return { entries: known.map((one) => ({ ...one, podsAt })), unread: [...entries.unread, ...workloads.unread] };
}
