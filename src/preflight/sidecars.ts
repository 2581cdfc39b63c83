import type { Deployment } from "../kubernetes/deployment.ts";
import type { Pod } from "../kubernetes/pod.ts";
import type { Labels } from "../kubernetes/selector.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

const proxy = "istio-proxy";
export const hasProxy = ({ containerNames }: Pod): boolean => containerNames.includes(proxy);

const next = 'Label the pod template sidecar.istio.io/inject: "true", or the namespace istio-injection: enabled.';

/**
 * Without a proxy a pod counts no requests by version and speaks no mutual TLS: the canary needs one where stable has
 * one.
 */
export function canaryGetsSidecar(scene: Scene): readonly Finding[] {
  const { stablePods, canaryPods, planned, target } = scene;
  const future = plannedDeployment(planned);
  const stableHasOne = stablePods.length > 0 ? stablePods.some(hasProxy) : getsProxy(scene);
  if (!stableHasOne || !future) return [];
  const canary = `The pods of Deployment ${target.namespace}/${target.canary.deployment}`;
  const like = `the pods of ${target.stable.deployment} have ${proxy}`;
  const bare = canaryPods.filter((pod) => !hasProxy(pod));
  const expected = proxyFor(future, scene.namespace);
  if (expected === "its own") return [];
  if (expected === "no")
    return [refuse(`${canary} get no sidecar (injection is switched off for them), while ${like}.`, next)];
  if (target.source.from === "existing" && bare.length > 0) {
    return [
      warn(
        `${canary} run without a sidecar (${bare.map(({ name }) => name).join(", ")}), while ${like}; the new ones ${expected === "yes" ? "will" : "may not"} get one.`,
        next,
      ),
    ];
  }
  return expected === "unknown"
    ? [warn(`Nothing says that ${canary.replace(/^The/, "the")} get a sidecar, while ${like}.`, next)]
    : [];
}

/** Where stable has no pods to look at, as in files, its template says whether they have one. */
const getsProxy = ({ stable, namespace }: Scene): boolean =>
  stable !== undefined && ["its own", "yes"].includes(proxyFor(stable, namespace));

/** Whether the pods of a Deployment get a proxy: from their template itself, or by injection. */
function proxyFor(
  { podLabels, podAnnotations, containers }: Deployment,
  namespace: Scene["namespace"],
): "its own" | "yes" | "no" | "unknown" {
  if (containers.some(({ name }) => name === proxy)) return "its own";
  return injectionFor(podLabels, podAnnotations, namespace);
}

/** https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy */
function injectionFor(labels: Labels, annotations: Labels, namespace: Scene["namespace"]): "yes" | "no" | "unknown" {
  const ofPod = labels["sidecar.istio.io/inject"] ?? annotations["sidecar.istio.io/inject"];
  if (ofPod === "false") return "no";
  if (namespace === "unread") return ofPod === "true" ? "yes" : "unknown";
  const ofNamespace = namespace?.metadata.labels ?? {};
  if (ofNamespace["istio-injection"] === "disabled") return "no";
  const marks = [
    ofPod === "true",
    labels["istio.io/rev"],
    ofNamespace["istio-injection"] === "enabled",
    ofNamespace["istio.io/rev"],
  ];
  return marks.some(Boolean) ? "yes" : "unknown";
}
