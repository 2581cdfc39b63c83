import { gatewayServes, gatewayTakes, sharedTlsHosts } from "../../istio/gateway.ts";
import { isNamed, type NamespacedName } from "../../istio/host.ts";
import type { RouteSection } from "../../istio/route-rule.ts";
import { nameOf } from "../../istio/virtual-service.ts";
import { type KubernetesObject, placeWord } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
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
  if (hosts.length === 0 || hosts.some((host) => gatewayTakes(gateway, host, route.namespace)))
    return gateways.objects.flatMap((other) => takenByOther(gateway, other));
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

/** Of two the older counts; where nobody knows which that is, either may. */
function takenByOther(gateway: KubernetesObject, other: KubernetesObject): readonly Finding[] {
  const shared = isNamed(nameOf(gateway), nameOf(other)) ? [] : sharedTlsHosts(gateway, other);
  const [own = "", its = ""] = [gateway, other].map(({ metadata }) => String(metadata.creationTimestamp ?? ""));
  if (shared.length === 0 || (own !== "" && its !== "" && own < its)) return [];
  return [
    coded(
      "IST0145",
      warn(
        `${placeWord(gateway)} and ${placeWord(other)} both have TLS for ${someOf(shared, ", ")} on the same proxies (IST0145): istiod leaves the younger one's server out, and its requests follow the routes of the other alone.`,
        `Leave the host to one of them, or name ${placeWord(other)} under gateways of the VirtualService.`,
      ),
    ),
  ];
}
