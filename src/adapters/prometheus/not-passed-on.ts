import * as z from "zod/mini";
import { placeOf } from "../../lib/credentials.ts";
import type { NoAnswer } from "./answered.ts";

/** What an API server says itself: https://kubernetes.io/docs/reference/kubernetes-api/definitions/status-v1-meta/ */
const said = z.object({ kind: z.literal("Status"), apiVersion: z.literal("v1"), message: z.string() });

/** A Service, as an address names it: `service://istio-system/prometheus:9090`. */
type Addressed = {
  readonly namespace: string;
  readonly name: string;
  /** As a Role names it for `services/proxy`. */
  readonly role: string;
};

/** Undefined where what was answered is Prometheus's, or no API server is between. */
export function notPassedOn(url: string, status: number, body: unknown): NoAnswer | undefined {
  const service = addressed(url);
  if (!service) return undefined;
  const { data } = said.safeParse(body);
  if (!data) return undefined;
  const { message } = data;
  return {
    because: `the API server does not pass on what Prometheus at ${placeOf(url)} is asked: ${message}`,
    fault: "prometheus",
    next: remedies.find((remedy) => remedy.status === status && remedy.means.test(message))?.next(service),
  };
}

function addressed(url: string): Addressed | undefined {
  const { protocol, host: namespace, pathname } = new URL(url);
  const [, role, name] = /^\/((?:https?:)?([^:/]+):[^/]+)/.exec(pathname) ?? [];
  if (protocol === "service:" && role !== undefined && name !== undefined) return { namespace, name, role };
  return undefined;
}

type Remedy = {
  readonly status: number;
  readonly means: RegExp;
  readonly next: (service: Addressed) => string;
};

/** By what the API server's own source says: pkg/registry/core/service/storage/storage.go, ResourceLocation. */
const remedies: readonly Remedy[] = [
  {
    status: 403,
    means: /services\/proxy/,
    next: ({ namespace, role }) =>
      `Add {apiGroups: [""], resources: [services/proxy], resourceNames: ["${role}"], verbs: [get]} to a Role of the job's in ${namespace}; docs/rbac.yaml has it.`,
  },
  {
    status: 404,
    means: /not found/,
    next: ({ namespace }) =>
      `Name Prometheus's Service in metrics.prometheus, as service://NAMESPACE/NAME:PORT: kubectl -n ${namespace} get services`,
  },
  {
    status: 503,
    means: /no service port/,
    next: ({ namespace, name }) => `Name a port that it has: kubectl -n ${namespace} get service ${name}`,
  },
  {
    status: 503,
    means: /no endpoints available/,
    next: ({ namespace, name }) =>
      `See whether its pods are ready: kubectl -n ${namespace} get pods,endpointslices -l kubernetes.io/service-name=${name}`,
  },
  {
    status: 503,
    means: /error trying to reach service/,
    next: ({ namespace }) =>
      `See whether the API server may reach its pods: a NetworkPolicy or strict mTLS in ${namespace} may keep it out, and a port of TLS wants https: before the name.`,
  },
];
