import type { Raw } from "../../istio/destination.ts";
import type { DestinationRule } from "../../istio/destination-rule.ts";
import { type Host, readHost } from "../../istio/host.ts";
import { managedBy } from "../../kubernetes/mark.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Target } from "../../release/target.ts";

/** A subset of ours lives in a DestinationRule of our own, which Istio merges with the user's of the same host. */
export const ownRuleName = (service: string): string => `istio-canary-${service}`;

export const canaryHost = ({ namespace, canary }: Target): Host => readHost(canary.host, namespace);

/** DestinationRules are looked for where the service is: the one place where one of ours merges with them. */
export const ruleNamespace = (target: Target): string => canaryHost(target).service?.namespace ?? target.namespace;

export const isOurs = ({ metadata }: KubernetesObject): boolean => metadata.labels?.[managedBy.key] === managedBy.value;

/** `beside` is the user's rule for the same host: Istio merges the two only when the same clients see them. */
export const ownRule = (
  target: Target,
  version: string,
  subsets: readonly Raw[],
  beside: DestinationRule | undefined,
): KubernetesObject => ({
  apiVersion: `networking.istio.io/${version}`,
  kind: "DestinationRule",
  metadata: {
    name: ownRuleName(target.service),
    namespace: ruleNamespace(target),
    labels: { [managedBy.key]: managedBy.value },
  },
  spec: { host: beside ? beside.host.text : hostText(canaryHost(target)), ...beside?.seenBy, subsets },
});

/** Istio takes a name with a dot for a full one: `reviews.shop` would be nobody's. */
const hostText = ({ text, service, domain }: Host): string => (service && domain === undefined ? service.name : text);
