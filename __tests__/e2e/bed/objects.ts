import { readFileSync } from "node:fs";
import { join } from "node:path";

// Objects that are there before any test: the node, the ingress gateway, and the webhooks.

export const gatewayAddress = "10.244.0.10";
/** Where port 80 of gateways is listened on. A Gateway without `bind` takes it on every address, so it is one that no pod uses. */
export const gatewayPort = 18_080;

/** EndpointSlices leave out pods whose node does not exist. */
export const node = `
apiVersion: v1
kind: Node
metadata: {name: node-0, labels: {kubernetes.io/hostname: node-0}}
spec: {podCIDR: 10.244.0.0/16}
`;

/** API servers call the kubelet at the address and port that are written here. */
export const nodeStatus = {
  status: {
    capacity: { cpu: "6400", memory: "25Ti", pods: "2000" },
    allocatable: { cpu: "6400", memory: "25Ti", pods: "2000" },
    addresses: [{ type: "InternalIP", address: "10.244.0.1" }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: {
      kubeletVersion: "v1.36.3",
      operatingSystem: "linux",
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "",
      kernelVersion: "",
      kubeProxyVersion: "",
      machineID: "",
      osImage: "",
      systemUUID: "",
    },
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        lastHeartbeatTime: "2026-01-01T00:00:00Z",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ],
  },
};

export const istioNamespace = `
apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
`;

/** Istio's validating webhook as its chart installs it, and the injector's two rules: by namespace, and by pod. */
export const webhooks = (pki: string): string => {
  const authority = readFileSync(join(pki, "ca.crt")).toString("base64");
  const injector = `
  clientConfig: {url: "https://10.244.0.1:10250/inject", caBundle: ${authority}}
  rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
  failurePolicy: Fail
  sideEffects: None
  admissionReviewVersions: [v1]`;
  return `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator-istio-system, labels: {app: istiod, istio: istiod}} # without istio.io/rev istiod leaves it alone
webhooks:
- name: rev.validation.istio.io
  clientConfig: {url: "https://127.0.0.1:15017/validate", caBundle: ${authority}}
  rules:
  - {operations: [CREATE, UPDATE], apiGroups: [security.istio.io, networking.istio.io, telemetry.istio.io, extensions.istio.io], apiVersions: ["*"], resources: ["*"]}
  failurePolicy: Fail
  sideEffects: None
  admissionReviewVersions: [v1]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: sidecar-injector}
webhooks:
- name: namespace.sidecar-injector.istio.io
  namespaceSelector: {matchLabels: {istio-injection: enabled}}
  objectSelector: {matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}]}${injector}
- name: object.sidecar-injector.istio.io
  namespaceSelector: {matchExpressions: [{key: istio-injection, operator: DoesNotExist}]}
  objectSelector: {matchLabels: {sidecar.istio.io/inject: "true"}}${injector}
`;
};

/** The ingress gateway. Its ports listen on every address, as everywhere, so no pod of the bed may have one of the target ports. */
export const gateway = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {app: istio-ingressgateway, istio: ingressgateway}}
spec:
  replicas: 1
  strategy: {type: Recreate} # it has the address for itself
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata:
      labels: {app: istio-ingressgateway, istio: ingressgateway}
      annotations: {bed/address: ${gatewayAddress}, prometheus.io/scrape: "true", prometheus.io/port: "15020", prometheus.io/path: /stats/prometheus}
    spec:
      containers: [{name: istio-proxy, image: "docker.io/istio/proxyv2:1.31.0", args: [proxy, router], ports: [{containerPort: ${gatewayPort}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {app: istio-ingressgateway, istio: ingressgateway}}
spec:
  selector: {istio: ingressgateway}
  ports:
  - {name: http2, port: 80, targetPort: ${gatewayPort}}
  - {name: gateway-api, port: 81, targetPort: 18081}
  - {name: tcp, port: 31400, targetPort: 31400}
  - {name: tls, port: 31401, targetPort: 31401}
  - {name: tcp-by-gateway-api, port: 31402, targetPort: 31402}
  - {name: tls-by-gateway-api, port: 31403, targetPort: 31403}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
`;
