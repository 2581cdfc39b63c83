import { rulesFor } from "../istio/destination-rule.ts";
import { covers, readHost, sameHost } from "../istio/host.ts";
import { isHeadless, selectorOfService, serviceBehind } from "../istio/service.ts";
import { field, listAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries } from "../kubernetes/selector.ts";
import type { Finding } from "../ports/preflight.ts";
import { note, warn } from "./finding.ts";
import { plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

const wordOf = ({ metadata }: KubernetesObject): string => `Service ${metadata.namespace}/${metadata.name}`;

/** Whoever calls one of these reaches the canary's pods, whatever the weights say. */
function servicesOverCanary({ services, planned }: Scene): readonly KubernetesObject[] {
  const canary = plannedDeployment(planned);
  return services.filter((service) => {
    const selector = selectorOfService(service) ?? {};
    return canary !== undefined && Object.keys(selector).length > 0 && carries(canary.podLabels, selector);
  });
}

const servicesOverBoth = (scene: Scene): readonly KubernetesObject[] =>
  servicesOverCanary(scene).filter(
    (service) => scene.stable && carries(scene.stable.podLabels, selectorOfService(service) ?? {}),
  );

/** `about 33 %`: what a Service over both versions gives the canary, with the pods that there are, or with one. */
function shareOf({ stable, canary }: Scene): string {
  const [pods, others] = [Math.max(1, canary?.rollout.available ?? 0), stable?.rollout.available ?? 0];
  return `about ${Math.round((100 * pods) / (pods + others))} %`;
}

/** Other Services over the canary's pods. Where a route of the mesh is for one, that route decides. */
export function otherServicesAreKnown(scene: Scene): readonly Finding[] {
  const { stable, routes, hosts, target } = scene;
  const isOwn = (service: KubernetesObject): boolean =>
    [hosts.stable, hosts.canary].some((host) => serviceBehind([service], host));
  const isRouted = ({ metadata }: KubernetesObject): boolean => {
    const host = readHost(metadata.name, metadata.namespace ?? "");
    return routes.some(({ seenBy }) =>
      seenBy.some(({ who, hosts: routed }) => who === "mesh" && routed.some((one) => covers(one, host))),
    );
  };
  return servicesOverCanary(scene)
    .filter((service) => !isOwn(service) && !isRouted(service))
    .map((service) => {
      const both = stable && carries(stable.podLabels, selectorOfService(service) ?? {});
      if (!both)
        return note(`${wordOf(service)} selects the canary's pods alone: whoever calls it reaches the canary.`);
      return warn(
        `${wordOf(service)} selects the canary's pods, too, and no route is for it: whoever calls it reaches them with ${shareOf(scene)} of the requests, whatever the weights say, and before the first stage.`,
        `Let it select stable's pods alone, or add ${service.metadata.name} to the hosts of the VirtualService that pins ${target.stable.host}.`,
      );
    });
}

const outside: Readonly<Record<string, string>> = { LoadBalancer: "its load balancer", NodePort: "its node port" };

/** Whoever comes by one of these passes no proxy that follows the route. */
export function outsidersAreKnown(scene: Scene): readonly Finding[] {
  const ways = servicesOverCanary(scene).flatMap((service): readonly (readonly [KubernetesObject, string])[] => {
    const type = outside[textAt(service, "spec", "type") ?? ""];
    const addresses = listAt(service, "spec", "externalIPs").length > 0 ? "its external addresses" : undefined;
    const by = type ?? addresses;
    return by === undefined ? [] : [[service, by]];
  });
  const ingresses = scene.ingresses.flatMap((ingress) =>
    servicesOverCanary(scene)
      .filter(({ metadata }) => backendsOf(ingress).includes(metadata.name))
      .map((service) => [service, `Ingress ${ingress.metadata.namespace}/${ingress.metadata.name}`] as const),
  );
  const routes = servicesOverBoth(scene).flatMap((service) => {
    const { namespace = "", name } = service.metadata;
    return scene.gatewayRules
      .filter(({ destinations }) =>
        destinations.some((one) => one.share > 0 && sameHost(one.host, readHost(name, namespace))),
      )
      .map(({ where }) => [service, where] as const);
  });
  return [...ways, ...ingresses, ...routes].map(([service, by]) =>
    warn(
      `${wordOf(service)} can be reached by ${by}, which goes around the route: requests that come so reach the canary's pods, too (${shareOf(scene)}), whatever the weights say.`,
      "Let them come in by a gateway that follows the route, or by a Service that selects stable's pods alone.",
    ),
  );
}

const backendsOf = (ingress: KubernetesObject): readonly string[] =>
  [
    field(ingress, "spec", "defaultBackend"),
    ...listAt(ingress, "spec", "rules")
      .flatMap((rule) => listAt(rule, "http", "paths"))
      .map((path) => field(path, "backend")),
  ].flatMap((backend) => textAt(backend, "service", "name") ?? []);

/** Where the client's DNS or its load balancer has chosen the pod, weights choose nothing any more. */
export function podsAreChosenByWeights(scene: Scene): readonly Finding[] {
  const { services, hosts, destinationRules } = scene;
  const findings = [hosts.stable, hosts.canary].flatMap((host) => {
    const service = serviceBehind(services, host);
    if (!service) return [];
    if (isHeadless(service)) return [headless(service)];
    const through = rulesFor(destinationRules, host).find(({ object }) => passesThrough(object));
    return through ? [passed(through.word, service)] : [];
  });
  return sameHost(hosts.stable, hosts.canary) ? findings.slice(0, 1) : findings;
}

const headless = (service: KubernetesObject): Finding =>
  warn(
    `${wordOf(service)} is headless (clusterIP: None): a client with a sidecar goes to the pod that its DNS has picked, and not where the weights say. Only gateways follow them.`,
    "Route by a Service with a clusterIP over the same pods.",
  );

const passed = (rule: string, service: KubernetesObject): Finding =>
  warn(
    `${rule} passes requests through to the address that was called (loadBalancer: PASSTHROUGH): ${wordOf(service)} picks the pod then, and not the weights.`,
    "Take PASSTHROUGH away, for the time of the release at least.",
  );

/** At the top, for a port, or in a subset. */
function passesThrough(rule: KubernetesObject): boolean {
  const policies = [rule.spec, ...listAt(rule, "spec", "subsets")].map((one) => field(one, "trafficPolicy"));
  const ofPorts = policies.flatMap((policy) => listAt(policy, "portLevelSettings"));
  return [...policies, ...ofPorts].some((policy) => textAt(policy, "loadBalancer", "simple") === "PASSTHROUGH");
}
