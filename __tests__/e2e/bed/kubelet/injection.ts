import type { Pod } from "./objects.ts";
import { hasProxy, proxyName } from "./workload.ts";

type Review = { readonly request: { readonly uid: string; readonly object: Pod } };
type Operation = { readonly op: "add"; readonly path: string; readonly value: unknown };

/**
 * The answer of the mutating webhook that gives pods their sidecar. Istio's own injector renders templates out of a
 * Helm chart; what a release can see of it is this much: one more container, in `2/2`, and where Prometheus scrapes.
 */
export function inject({ request }: Review): object {
  const operations = operationsFor(request.object);
  const patch =
    operations.length === 0
      ? {}
      : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid: request.uid, allowed: true, ...patch },
  };
}

function operationsFor(pod: Pod): readonly Operation[] {
  const { labels = {}, annotations = {} } = pod.metadata;
  if (hasProxy(pod) || annotations["sidecar.istio.io/inject"] === "false") return [];
  const container = {
    name: proxyName,
    image: "docker.io/istio/proxyv2:1.31.0",
    args: ["proxy", "sidecar"],
    ports: [{ name: "http-envoy-prom", containerPort: 15_090, protocol: "TCP" }],
  };
  const native = annotations["sidecar.istio.io/nativeSidecar"] === "true";
  const added: readonly Operation[] = native
    ? [
        {
          op: "add",
          path: "/spec/initContainers",
          value: [{ ...container, restartPolicy: "Always" }, ...(pod.spec.initContainers ?? [])],
        },
      ]
    : [{ op: "add", path: "/spec/containers/-", value: container }];
  const marks = {
    ...annotations,
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "15020",
    "prometheus.io/path": "/stats/prometheus",
    "sidecar.istio.io/status": JSON.stringify({
      initContainers: native ? [proxyName] : [],
      containers: native ? [] : [proxyName],
      revision: "default",
    }),
  };
  const names = {
    "service.istio.io/canonical-name":
      labels["app.kubernetes.io/name"] ??
      labels.app ??
      pod.metadata.generateName?.replace(/(-[^-]+)?-$/, "") ??
      pod.metadata.name,
    "service.istio.io/canonical-revision": labels["app.kubernetes.io/version"] ?? labels.version ?? "latest",
    ...labels,
  };
  return [
    ...added,
    { op: "add", path: "/metadata/annotations", value: marks },
    { op: "add", path: "/metadata/labels", value: names },
  ];
}
