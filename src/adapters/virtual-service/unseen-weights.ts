import { gatewayServes, gatewayTakes } from "../../istio/gateway.ts";
import { isNamed, type NamespacedName } from "../../istio/host.ts";
import type { RouteSection } from "../../istio/route-rule.ts";
import { nameOf } from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { coded, type Finding, toldOnce, unseen, warn } from "../../ports/preflight.ts";
import type { RouteFact, Viewer } from "../../ports/route-family.ts";
import { virtualServiceWord } from "./virtual-service-word.ts";

/** What is known of Gateways: those of some namespaces. */
export type KnownGateways = {
  readonly objects: readonly KubernetesObject[];
  readonly isUnread: (namespace: string) => boolean;
};

/** The gateways that do not see the weights, though a VirtualService names them. */
export function unseenWeights(facts: readonly RouteFact[], gateways: KnownGateways): readonly Finding[] {
  const findings = facts.flatMap((fact) =>
    fact.seenBy.flatMap((viewer) => (viewer.who === "mesh" ? [] : unseenByGateway(fact, viewer, viewer.who, gateways))),
  );
  return toldOnce(findings);
}

/** What whoever follows rules of a section takes in. */
const serverFor: Readonly<Record<RouteSection, string>> = {
  http: "for HTTP",
  tls: "that passes TLS on as it is (tls.mode: PASSTHROUGH)",
  tcp: "for TCP",
};

function unseenByGateway(
  { route, section, where: rule }: RouteFact,
  { hosts, namespaces }: Viewer,
  name: NamespacedName,
  gateways: KnownGateways,
): readonly Finding[] {
  const [where, word] = [virtualServiceWord(route), `Gateway ${name.namespace}/${name.name}`];
  if (namespaces && !namespaces.includes(name.namespace))
    return [
      warn(
        `${where} is exported to ${namespaces.join(", ")} only (exportTo), and ${word} is in ${name.namespace}: unless its proxies run in one of those, they see none of its weights.`,
        `Add ${name.namespace} (the namespace of the gateway's pods) to exportTo.`,
      ),
    ];
  if (gateways.isUnread(name.namespace)) return [];
  const gateway = gateways.objects.find((object) => isNamed(nameOf(object), name));
  if (!gateway)
    return [
      unseen(
        word,
        coded(
          "IST0101",
          warn(
            `${where} is for ${word}, which does not exist (IST0101): nobody follows it there.`,
            `Correct the name under gateways (namespace/name), or create it: kubectl get gateways.networking.istio.io -n ${name.namespace}.`,
          ),
        ),
      ),
    ];
  if (!gatewayServes(gateway, section))
    return [
      warn(
        `${word} has no server ${serverFor[section]}: nobody follows ${rule} there.`,
        "Correct port.protocol or tls.mode of the Gateway's server, or move the rule to another section.",
      ),
    ];
  if (hosts.length === 0 || hosts.some((host) => gatewayTakes(gateway, host, route.namespace))) return [];
  return [
    coded(
      "IST0132",
      warn(
        `${word} takes requests for none of the hosts of ${where} (${hosts.map(({ text }) => text).join(", ")}; IST0132): nobody follows it there.`,
        "Add one of them to the hosts of a server of the Gateway, or correct the VirtualService's.",
      ),
    ),
  ];
}
