import { istioResources } from "../adapters/kubernetes/istio-version.ts";
import type { KubernetesClient } from "../adapters/kubernetes/kubernetes-client.ts";
import { unlessDenied } from "../adapters/kubernetes/unless-forbidden.ts";
import { canaryLabels, type LabelAnswer } from "../istio/canary-labels.ts";
import type { GatewayRule } from "../istio/gateway-route.ts";
import { type Host, readHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { type Deployment, readDeployment } from "../kubernetes/deployment.ts";
import { type KubernetesObject, type Resource, resources } from "../kubernetes/object.ts";
import { isPodOf, type Pod, readPod } from "../kubernetes/pod.ts";
import { asQuery, type Labels } from "../kubernetes/selector.ts";
import type { Answerer, Uncounted } from "../ports/metrics.ts";
import type { RouteFact, RouteLook } from "../ports/route-family.ts";
import type { Plan } from "../release/plan.ts";
import { configuredLabels, type Role, type Target, type Version } from "../release/target.ts";
import { readGatewayRules } from "./gateway-rules.ts";
import { lookAround, type Vicinity } from "./look-around.ts";
import { type PlannedCanary, planCanary } from "./planned-canary.ts";

/** What a release is about to meet: everything that the checks look at, read once. */
export type Scene = Vicinity & {
  readonly target: Target;
  readonly plan: Plan;
  /** The user says that there is no stable version yet. */
  readonly firstDeploy: boolean;
  /** The version that serves is what is wrong. */
  readonly undo: boolean;
  /** Undefined when there is none; `unread` when it may not be looked at. */
  readonly namespace: KubernetesObject | undefined | "unread";
  readonly services: readonly KubernetesObject[];
  readonly deployments: readonly KubernetesObject[];
  readonly stable: Deployment | undefined;
  /** The canary's Deployment as it is now. */
  readonly canary: Deployment | undefined;
  /** … and as the release will make it. */
  readonly planned: PlannedCanary;
  /** The labels that only the canary's pods have, as subsets and Services tell. */
  readonly labels: LabelAnswer;
  /** Rules of the Gateway API, which no release moves. */
  readonly gatewayRules: readonly GatewayRule[];
  /** Those behind the Services of both hosts; in a first deployment all of the namespace. None of them is terminating. */
  readonly pods: readonly Pod[];
  readonly stablePods: readonly Pod[];
  readonly canaryPods: readonly Pod[];
  /** Of the service's namespace, and of those that the target's routes are in. */
  readonly routes: readonly RouteFact[];
  /** The objects that the target's routes are in. */
  readonly chosenRoutes: readonly KubernetesObject[];
  readonly hosts: Readonly<Record<Role | "service", Host>>;
  readonly destinationRules: readonly KubernetesObject[];
  /** Who answered requests of the service lately; asked in a first deployment only. */
  readonly answerers: readonly Answerer[] | Uncounted | undefined;
  readonly autoscalers: readonly KubernetesObject[];
  readonly disruptionBudgets: readonly KubernetesObject[];
};

export type SceneParts = {
  readonly client: KubernetesClient;
  readonly target: Target;
  readonly plan: Plan;
  readonly firstDeploy: boolean;
  /** The version that serves is what is wrong. */
  readonly undo: boolean;
  readonly look: RouteLook;
  readonly answerers: () => Promise<readonly Answerer[] | Uncounted>;
};

const disruptionBudgets: Resource = {
  group: "policy",
  version: "v1",
  plural: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
};

export async function readScene(parts: SceneParts): Promise<Scene> {
  const { client, target, plan, firstDeploy, undo, look } = parts;
  const inNamespace = target.namespace;
  const [
    vicinity,
    ofGateways,
    answerers,
    namespace,
    services,
    deployments,
    autoscalers,
    budgets,
    destinationRules,
    survey,
  ] = await Promise.all([
    lookAround(client, inNamespace, firstDeploy),
    readGatewayRules(client, target),
    firstDeploy ? parts.answerers() : undefined,
    unlessDenied(client.get(resources.namespaces, undefined, inNamespace), "unread" as const),
    client.list(resources.services, inNamespace),
    client.list(resources.deployments, inNamespace),
    client.list(resources.horizontalPodAutoscalers, inNamespace),
    unlessDenied(client.list(disruptionBudgets, inNamespace, { doubts: 1 }), []),
    readDestinationRules(client, inNamespace),
    look.survey(),
  ]);
  const rawStable = named(deployments, target.stable.deployment);
  const rawCanary = named(deployments, target.canary.deployment);
  const [stable, canary] = [rawStable, rawCanary].map((raw) => raw && readDeployment(raw));
  const hosts = hostsOf(target);
  const pods = await readPods(client, target, firstDeploy ? [{}] : selectorsBehind(hosts, services));
  const podsOf = ({ deployment }: Version): readonly Pod[] => pods.filter((pod) => isPodOf(deployment, pod));
  const labels = canaryLabels({ ...target, given: configuredLabels(target), services, destinationRules });
  return {
    ...vicinity,
    target,
    plan,
    firstDeploy,
    undo,
    namespace,
    services,
    deployments,
    stable,
    canary,
    planned: planCanary(target, labels, rawStable, rawCanary),
    labels,
    gatewayRules: ofGateways.rules,
    pods,
    stablePods: podsOf(target.stable),
    canaryPods: podsOf(target.canary),
    routes: survey.facts,
    chosenRoutes: survey.chosen,
    hosts,
    answerers,
    destinationRules,
    autoscalers,
    disruptionBudgets: budgets,
  };
}

const hostsOf = ({ namespace, service, stable, canary }: Target): Scene["hosts"] => ({
  service: readHost(service, namespace),
  stable: readHost(stable.host, namespace),
  canary: readHost(canary.host, namespace),
});

const named = (objects: readonly KubernetesObject[], name: string): KubernetesObject | undefined =>
  objects.find(({ metadata }) => metadata.name === name);

async function readDestinationRules(client: KubernetesClient, namespace: string): Promise<readonly KubernetesObject[]> {
  const istio = await istioResources(client);
  return istio ? client.list(istio.destinationRules, namespace) : [];
}

/** What the Services behind both hosts select by, each once. */
function selectorsBehind(hosts: Scene["hosts"], services: readonly KubernetesObject[]): readonly Labels[] {
  const behind = Object.values(hosts).map((host) => serviceBehind(services, host));
  return behind.map((service) => service && selectorOfService(service)).filter((selector) => selector !== undefined);
}

/** Every pod that one of these selects; one without labels selects all. */
async function readPods(
  client: KubernetesClient,
  { namespace }: Target,
  selectors: readonly Labels[],
): Promise<readonly Pod[]> {
  const queries = selectors.map((matchLabels) => asQuery({ matchLabels, matchExpressions: [] }));
  const found = await Promise.all(
    [...new Set(queries)].map((query) =>
      client.list(resources.pods, namespace, query === "" ? {} : { labelSelector: query }),
    ),
  );
  const byName = new Map(found.flat().map((object) => [object.metadata.name, readPod(object)]));
  return [...byName.values()].filter(({ terminating }) => !terminating);
}
