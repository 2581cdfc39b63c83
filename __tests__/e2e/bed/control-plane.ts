import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import { type ApiServer, openApiServer } from "../support/api-server.ts";
import { waitFor } from "../support/wait-for.ts";
import type { Programs } from "./build.ts";
import { startProcess } from "./processes.ts";

/** etcd and kube-apiserver, ready to be asked. */
export async function startApiServer(work: string, programs: Programs): Promise<ApiServer> {
  const pki = join(work, "pki");
  startProcess(work, "etcd", [
    programs.etcd,
    `--data-dir=${work}/etcd`,
    "--unsafe-no-fsync",
    "--log-level=warn",
    "--listen-client-urls=http://127.0.0.1:2379",
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=default=http://127.0.0.1:2380",
  ]);
  startProcess(work, "kube-apiserver", [
    programs.apiServer,
    "--etcd-servers=http://127.0.0.1:2379",
    "--bind-address=127.0.0.1",
    "--secure-port=6443",
    "--advertise-address=10.244.0.1", // there is no default route in here to guess it from
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--allow-privileged=true",
    "--authorization-mode=RBAC",
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--client-ca-file=${pki}/ca.crt`,
    `--kubelet-certificate-authority=${pki}/ca.crt`,
    `--kubelet-client-certificate=${pki}/admin.crt`,
    `--kubelet-client-key=${pki}/admin.key`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    // Pods need neither a token nor a taint that somebody would have to take away.
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--enable-priority-and-fairness=false",
    "--profiling=false",
  ]);
  const api = openApiServer(join(pki, "admin.kubeconfig"));
  await waitFor(async () => (await api.call("GET", "/readyz")).status === 200, "kube-apiserver's /readyz", 90_000);
  return api;
}

/** The controllers that releases meet. There is no scheduler, and the kubelet is a stand-in. */
const controllers = [
  "deployment-controller",
  "replicaset-controller",
  "endpoints-controller", // the API server finds the pods of a Service that it proxies to by these
  "endpointslice-controller",
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "resourcequota-controller",
  "clusterrole-aggregation-controller",
];

export function startControllers(work: string, programs: Programs): void {
  const pki = join(work, "pki");
  startProcess(work, "kube-controller-manager", [
    programs.controllers,
    `--kubeconfig=${pki}/admin.kubeconfig`,
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    "--secure-port=10257",
    "--authentication-skip-lookup=true",
    "--authorization-always-allow-paths=/healthz,/metrics",
    `--root-ca-file=${pki}/ca.crt`,
    `--service-account-private-key-file=${pki}/sa.key`,
    "--kube-api-qps=200",
    "--kube-api-burst=400",
    `--controllers=${controllers.join(",")}`,
  ]);
}

/** One line of JSON for each request or connection that a proxy has finished. The kubelet makes Istio's metrics of them. */
const accessLog = {
  authority: "%REQ(:AUTHORITY)%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(:PATH)%",
  grpc: "%GRPC_STATUS_NUMBER%",
  contentType: "%REQ(CONTENT-TYPE)%",
  code: "%RESPONSE_CODE%",
  flags: "%RESPONSE_FLAGS%",
  details: "%RESPONSE_CODE_DETAILS%",
  duration: "%DURATION%",
  upstream: "%UPSTREAM_HOST%",
  cluster: "%UPSTREAM_CLUSTER_RAW%",
  route: "%ROUTE_NAME%",
};

export async function startIstiod(work: string, programs: Programs): Promise<void> {
  const pki = join(work, "pki");
  const mesh = {
    rootNamespace: "istio-system",
    enableAutoMtls: false, // certificates come from istio-agent, which is not here
    enableTracing: false,
    ingressControllerMode: "OFF",
    defaultProviders: {}, // no istio.stats filter: a stock Envoy has none
    accessLogFile: "/dev/stdout",
    accessLogEncoding: "JSON",
    accessLogFormat: JSON.stringify(accessLog),
  };
  writeFileSync(join(work, "mesh.yaml"), dump(mesh));
  const environment = {
    POD_NAME: "istiod-0",
    POD_NAMESPACE: "istio-system",
    REVISION: "default",
    CLUSTER_ID: "Kubernetes",
    // Filters that only Istio's own build of Envoy has.
    PILOT_ENABLE_METADATA_EXCHANGE: "false",
    PILOT_ENABLE_ALPN_FILTER: "false",
    ENABLE_CA_SERVER: "false",
    INJECT_ENABLED: "false",
    VALIDATION_WEBHOOK_CONFIG_NAME: "",
    INJECTION_WEBHOOK_CONFIG_NAME: "",
    PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: "false",
  };
  const command = [
    programs.istiod,
    "discovery",
    `--kubeconfig=${pki}/admin.kubeconfig`,
    `--meshConfig=${work}/mesh.yaml`,
    "--domain=cluster.local",
    "--httpAddr=127.0.0.1:15080",
    "--grpcAddr=127.0.0.1:15010",
    "--secureGRPCAddr=127.0.0.1:15012",
    "--httpsAddr=127.0.0.1:15017",
    "--monitoringAddr=127.0.0.1:15014",
    "--ctrlz_address=127.0.0.1",
    `--tlsCertFile=${pki}/istiod.crt`,
    `--tlsKeyFile=${pki}/istiod.key`,
    `--caCertFile=${pki}/ca.crt`,
  ];
  startProcess(work, "istiod", command, environment);
  await waitFor(async () => (await fetch("http://127.0.0.1:15080/ready")).ok, "istiod's /ready", 60_000);
}
