import { istioResources } from "../adapters/kubernetes/istio-version.ts";
import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { canaryLabels, type LabelAnswer } from "../istio/canary-labels.ts";
import { type Deployment, readDeployment } from "../kubernetes/deployment.ts";
import { type KubernetesObject, type Resource, resources } from "../kubernetes/object.ts";
import { isPodOf, type Pod, readPod } from "../kubernetes/pod.ts";
import { asQuery } from "../kubernetes/selector.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { type PlannedCanary, planCanary } from "./planned-canary.ts";

/** What a release is about to meet: everything that the checks look at, read once. */
export type Scene = {
  readonly target: Target;
  readonly plan: Plan;
  /** The user says that there is no stable version yet. */
  readonly firstDeploy: boolean;
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
  readonly stablePods: readonly Pod[];
  readonly canaryPods: readonly Pod[];
  /** Of the service's namespace, and of those that the target names. */
  readonly virtualServices: readonly KubernetesObject[];
  readonly destinationRules: readonly KubernetesObject[];
  readonly autoscalers: readonly KubernetesObject[];
  readonly disruptionBudgets: readonly KubernetesObject[];
};

export type SceneParts = {
  readonly client: KubernetesClient;
  readonly target: Target;
  readonly plan: Plan;
  readonly firstDeploy: boolean;
};

const disruptionBudgets: Resource = {
  group: "policy",
  version: "v1",
  plural: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
};

export async function readScene({ client, target, plan, firstDeploy }: SceneParts): Promise<Scene> {
  const { namespace } = target;
  const [inNamespace, services, deployments, autoscalers, budgets, mesh] = await Promise.all([
    unlessDenied(client.get(resources.namespaces, undefined, namespace), "unread" as const),
    client.list(resources.services, namespace),
    client.list(resources.deployments, namespace),
    client.list(resources.horizontalPodAutoscalers, namespace),
    unlessDenied(client.list(disruptionBudgets, namespace), []),
    readMesh(client, target),
  ]);
  const rawStable = named(deployments, target.stable.deployment);
  const rawCanary = named(deployments, target.canary.deployment);
  const [stable, canary] = [rawStable, rawCanary].map((raw) => raw && readDeployment(raw));
  const [stablePods, canaryPods] = await Promise.all([readPods(client, stable), readPods(client, canary)]);
  const given = target.source.from === "clone" ? target.source.labels : {};
  const labels = canaryLabels({ ...target, given, services, destinationRules: mesh.destinationRules });
  const planned = planCanary(target, labels, rawStable, rawCanary);
  return {
    ...{
      target,
      plan,
      firstDeploy,
      namespace: inNamespace,
      services,
      deployments,
      autoscalers,
      disruptionBudgets: budgets,
      ...mesh,
    },
    ...{ stable, canary, planned, labels, stablePods, canaryPods },
  };
}

const named = (objects: readonly KubernetesObject[], name: string): KubernetesObject | undefined =>
  objects.find(({ metadata }) => metadata.name === name);

async function readMesh(
  client: KubernetesClient,
  { namespace, routes }: Target,
): Promise<Pick<Scene, "virtualServices" | "destinationRules">> {
  const istio = await istioResources(client);
  if (!istio) return { virtualServices: [], destinationRules: [] };
  const namespaces = [...new Set([namespace, ...routes.map((route) => route.namespace)])];
  const [destinationRules, ...virtualServices] = await Promise.all([
    client.list(istio.destinationRules, namespace),
    ...namespaces.map((each) => client.list(istio.virtualServices, each)),
  ]);
  return { destinationRules, virtualServices: virtualServices.flat() };
}

async function readPods(client: KubernetesClient, deployment: Deployment | undefined): Promise<readonly Pod[]> {
  if (!deployment) return [];
  const found = await client.list(resources.pods, deployment.namespace, {
    labelSelector: asQuery(deployment.selector),
  });
  return found.map(readPod).filter((pod) => isPodOf(deployment.name, pod) && !pod.terminating);
}

/** For what is good to know and no more; 404 is a kind that the server does not have. */
async function unlessDenied<T, E>(reading: Promise<T>, otherwise: E): Promise<T | E> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && (error.status === 403 || error.status === 404)) return otherwise;
    throw error;
  }
}
