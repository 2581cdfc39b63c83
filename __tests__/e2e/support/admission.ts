import { type ApiServer, jsonPatch } from "./api-server.ts";
import { apply } from "./apply.ts";
import { waitFor } from "./wait-for.ts";

export type Rule = {
  /** The API server where the rule is to hold, as an administrator. */
  readonly api: ApiServer;
  readonly namespace: string;
  /** A CEL expression about `object`: updates for which it is false are refused. */
  readonly allowed: string;
  readonly message: string;
  /** Invalid is answered with 422, Forbidden with 403, as webhooks do. */
  readonly reason: "Invalid" | "Forbidden";
  /** A JSON Patch of the VirtualService `shop` that breaks the rule: tried until it is refused, and dry. */
  readonly broken: readonly object[];
};

/** Refuses updates of a namespace's VirtualServices, as a cluster's policy would. Gives a function that allows them again, once or more often. */
export async function refuseRoutes({
  api,
  namespace,
  allowed,
  message,
  reason,
  broken,
}: Rule): Promise<() => Promise<void>> {
  const name = `${namespace}-routes`;
  const constraints = {
    resourceRules: [
      {
        apiGroups: ["networking.istio.io"],
        apiVersions: ["*"],
        operations: ["UPDATE"],
        resources: ["virtualservices"],
      },
    ],
  };
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: constraints,
      validations: [{ expression: allowed, message, reason }],
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ["Deny"],
      matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } },
    },
  };
  const dryRun = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/shop?dryRun=All`;
  const refused = async (): Promise<boolean> =>
    JSON.stringify((await api.call("PATCH", dryRun, broken, jsonPatch)).body).includes(`'${name}'`);

  await apply(api, [policy, binding].map((object) => JSON.stringify(object)).join("\n---\n"));
  await waitFor(refused, `the policy ${name}`, 30_000);
  return async () => {
    await api.call("DELETE", `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/${name}`);
    await api.call("DELETE", `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${name}`);
    await waitFor(async () => !(await refused()), `the end of the policy ${name}`, 30_000);
  };
}
