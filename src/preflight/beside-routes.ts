import { rulesFor } from "../istio/destination-rule.ts";
import { covers, readHost, sameHost } from "../istio/host.ts";
import { aliasOf, isHeadless, selectorOfService, serviceBehind, wayFromOutside } from "../istio/service.ts";
import { field, listAt, textAt } from "../kubernetes/field.ts";
import { rulesOfIngress } from "../kubernetes/ingress.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries } from "../kubernetes/selector.ts";
import { type Finding, note, warn } from "../ports/preflight.ts";
import { kindsAmong } from "../release/route-kind.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import { share } from "./pinning.ts";
import { canaryPodsAtFirst, plannedDeployment } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

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

/** `about 33%`: what a Service over both versions gives the canary, with the pods that it begins with. */
function shareOf(scene: Scene): string {
  return share(canaryPodsAtFirst(scene), scene.stable?.rollout.available ?? 0);
}

/** Whether a route of the mesh is for a Service: then that route decides. */
const isRouted = ({ routes }: Scene, { metadata }: KubernetesObject): boolean => {
  const host = readHost(metadata.name, metadata.namespace ?? "");
  return routes.some(({ seenBy }) =>
    seenBy.some(({ who, hosts }) => who === "mesh" && hosts.some((one) => covers(one, host))),
  );
};

/** Other Services over the canary's pods, and other names for the released one. */
export function otherServicesAreKnown(scene: Scene): readonly Finding[] {
  const { services, hosts } = scene;
  const isOwn = (service: KubernetesObject): boolean =>
    [hosts.stable, hosts.canary].some((host) => serviceBehind([service], host));
  const others = services.filter((service) => !isOwn(service) && !isRouted(scene, service));
  const aliases = others.filter((service) => {
    const alias = aliasOf(service);
    return alias !== undefined && sameHost(alias, hosts.stable);
  });
  const [known, both] = [servicesOverCanary(scene), servicesOverBoth(scene)];
  return [
    ...others
      .filter((service) => both.includes(service))
      .map((service) => besideRoutes(service, "selects the canary's pods, too", scene)),
    ...aliases
      .filter(() => both.some(isOwn))
      .map((service) => besideRoutes(service, `is another name for ${hosts.stable.text}`, scene)),
    ...others
      .filter((service) => known.includes(service) && !both.includes(service))
      .map((service) =>
        note(`${placeWord(service)} selects the canary's pods alone: whoever calls it reaches the canary.`),
      ),
  ];
}

const besideRoutes = (service: KubernetesObject, does: string, scene: Scene): Finding =>
  warn(
    `${placeWord(service)} ${does}, and no route is for it: whoever calls it reaches the canary's pods with ${shareOf(scene)} of the requests, whatever the weights say, and before the first stage.`,
    `${toCover(service, scene)}.`,
  );

const toCover = ({ metadata: { name } }: KubernetesObject, { target: { routes, stable } }: Scene): string =>
  kindsAmong(routes)
    .map((kind) => routeKindWords[kind].toCover(name, stable.host))
    .join(". Or: ");

/** Whoever comes by one of these passes no proxy that follows the route. */
export function outsidersAreKnown(scene: Scene): readonly Finding[] {
  const ways = servicesOverCanary(scene).flatMap((service): readonly (readonly [KubernetesObject, string])[] => {
    const by = wayFromOutside(service);
    return by === undefined ? [] : [[service, by]];
  });
  const ingresses = scene.ingresses.flatMap((ingress) =>
    servicesOverCanary(scene)
      .filter(({ metadata }) => rulesOfIngress(ingress).some(({ service }) => service === metadata.name))
      .map((service) => [service, placeWord(ingress)] as const),
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
      `${placeWord(service)} can be reached by ${by}, which goes around the route: requests that come so reach the canary's pods, too (${shareOf(scene)}), whatever the weights say.`,
      "Let them come in by a gateway that follows the route.",
    ),
  );
}

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
    `${placeWord(service)} is headless (clusterIP: None): a client with a sidecar goes to the pod that its DNS has picked, and not where the weights say. Only gateways follow them.`,
    "Route by a Service with a clusterIP over the same pods.",
  );

const passed = (rule: string, service: KubernetesObject): Finding =>
  warn(
    `${rule} passes requests through to the address that was called (loadBalancer: PASSTHROUGH): ${placeWord(service)} picks the pod then, and not the weights.`,
    "Take PASSTHROUGH away, for the time of the release at least.",
  );

/** At the top, for a port, or in a subset. */
function passesThrough(rule: KubernetesObject): boolean {
  const policies = [rule.spec, ...listAt(rule, "spec", "subsets")].map((one) => field(one, "trafficPolicy"));
  const ofPorts = policies.flatMap((policy) => listAt(policy, "portLevelSettings"));
  return [...policies, ...ofPorts].some((policy) => textAt(policy, "loadBalancer", "simple") === "PASSTHROUGH");
}
