import type { Destination } from "../istio/destination.ts";
import { sameHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { isPodOf, type Pod } from "../kubernetes/pod.ts";
import { carries } from "../kubernetes/selector.ts";
import { percentWord, plural } from "../lib/numbers.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import { isFollowed, type RouteFact } from "../ports/route-family.ts";
import { routeWord } from "../release/route-kind.ts";
import { listed, pods } from "./finding.ts";
import { foreignEndpoints } from "./foreign-endpoints.ts";
import type { Scene } from "./scene.ts";

/**
 * All requests at once, without stages, is for a service that nobody serves: not for one whose stable version is a
 * StatefulSet, has another name than was written, or lives somewhere else.
 */
export function nobodyServes(scene: Scene): readonly Finding[] {
  if (!scene.firstDeploy) return [];
  return [
    ...ownServices(scene).flatMap((service) => servedBy(service, scene)),
    ...servedByCanary(scene),
    ...pinned(scene),
    ...answered(scene),
  ];
}

const next =
  "If that is the version that serves now, take first-deploy (in the file firstDeploy) away and name it as stable; only a Deployment can be one. Otherwise take it out of the service's reach first.";

const begin = ({ target }: Scene): string =>
  `This is not the first deployment of ${target.namespace}/${target.service}`;

const ownServices = ({ services, hosts }: Scene): readonly KubernetesObject[] => [
  ...new Set(Object.values(hosts).flatMap((host) => serviceBehind(services, host) ?? [])),
];

function servedBy(service: KubernetesObject, scene: Scene): readonly Finding[] {
  const where = `Service ${service.metadata.namespace}/${service.metadata.name}`;
  const serving = podsBehind(service, scene);
  const elsewhere = foreignEndpoints(scene, service);
  const findings: Finding[] = [];
  if (serving.length > 0) {
    const names = listed(serving.map(podWord), 5);
    findings.push(refuse(`${begin(scene)}: ${where} is served by ${pods(serving.length)} (${names}).`, next));
  }
  if (elsewhere.length > 0) {
    const addresses = listed(elsewhere, 5);
    findings.push(refuse(`${begin(scene)}: ${where} has endpoints that are no pods (${addresses}).`, next));
  }
  return findings;
}

/** Those of others: the canary's own are what is deployed. */
function podsBehind(service: KubernetesObject, { pods: all, target }: Scene): readonly Pod[] {
  const selector = selectorOfService(service);
  if (!selector) return [];
  return all.filter((pod) => pod.ready && !isPodOf(target.canary.deployment, pod) && carries(pod.labels, selector));
}

/** A canary that has pods may wait for its requests; one that has requests as well serves already. */
function servedByCanary(scene: Scene): readonly Finding[] {
  const { routes, hosts, target, canaryPods } = scene;
  const { deployment, subset } = target.canary;
  const serving = canaryPods.filter(({ ready }) => ready);
  if (serving.length === 0) return [];
  return routes.filter(isFollowed).flatMap(({ where, destinations }) => {
    const given = destinations
      .filter((one) => !one.mirror && one.subset === subset && sameHost(one.host, hosts.canary))
      .reduce((sum, { share }) => sum + share, 0);
    if (given === 0) return [];
    return [
      refuse(
        `${begin(scene)}: ${where} sends ${percentWord(given)} of its requests to ${deployment}, which has ${pods(serving.length)} that ${plural(serving.length, "is", "are")} ready.`,
        `Take first-deploy (in the file firstDeploy) away and name ${deployment} as stable.`,
      ),
    ];
  });
}

/** `reviews-0 of StatefulSet reviews` */
const podWord = ({ name, owner }: Pod): string => (owner ? `${name} of ${owner.kind} ${owner.name}` : name);

/**
 * A route for the service's own host that leads elsewhere leads to whoever serves; but for rules of other paths beside
 * those of the two versions.
 */
function pinned(scene: Scene): readonly Finding[] {
  const { routes, hosts } = scene;
  const isOwn = ({ host }: Destination): boolean => Object.values(hosts).some((own) => sameHost(own, host));
  const isForService = ({ seenBy }: RouteFact): boolean =>
    seenBy.some((viewer) => viewer.hosts.some((host) => sameHost(host, hosts.service)));
  const leadsHere = new Set(
    routes.filter(({ destinations }) => destinations.some(isOwn)).map(({ route }) => routeWord(route)),
  );
  return routes.filter(isForService).flatMap(({ where, destinations, route }) => {
    const others = destinations.filter((one) => one.share > 0 && !one.mirror && !isOwn(one));
    if (others.length === 0 || (others.length === destinations.length && leadsHere.has(routeWord(route)))) return [];
    const names = listed([...new Set(others.map(({ host }) => host.text))]);
    return [refuse(`${begin(scene)}: ${where} sends its requests to ${names}.`, next)];
  });
}

function answered(scene: Scene): readonly Finding[] {
  const { answerers, target, canaryPods } = scene;
  if (answerers === undefined) return [];
  if ("because" in answerers)
    return [
      warn(
        `Nobody counts whether the service is served already: ${answerers.because}.`,
        "The release goes on: no ready pod of another is behind its Services.",
      ),
    ];
  // Counters remember a canary that an earlier try has taken away again.
  const isGone = !canaryPods.some(({ ready }) => ready);
  const others = answerers.filter(
    ({ workload, namespace }) => !(isGone && workload === target.canary.deployment && namespace === target.namespace),
  );
  if (others.length === 0) return [];
  const names = listed(others.map(({ workload, namespace }) => `${namespace}/${workload}`));
  return [
    refuse(
      `${begin(scene)}: in the last five minutes ${names} answered requests for it, by ${plural(others.length, "its counter", "their counters")} in Prometheus.`,
      next,
    ),
  ];
}
