import { isNamed, sameHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import { isDelegate, isForMesh, nameOf, rulesOf } from "../istio/virtual-service.ts";
import type { Deployment } from "../kubernetes/deployment.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries } from "../kubernetes/selector.ts";
import type { Finding } from "../ports/preflight.ts";
import { listed, refuse, warn } from "./finding.ts";
import { hostOf, type PlacedRule, placedRules, routes } from "./mesh.ts";
import type { Scene } from "./scene.ts";

/**
 * With subsets the canary's pods are behind stable's Service, too: as soon as they are ready, whoever is not sent to
 * stable's subset by a VirtualService sends them their part of the requests.
 */
export function stableIsPinned(scene: Scene): readonly Finding[] {
  const { stable, planned, target } = scene;
  if (target.stable.subset === undefined || !stable || planned === undefined || "problem" in planned) return [];
  const canary = planned.deployment;
  if (!isBehindStablesService(scene, canary)) return [];
  const rules = scene.virtualServices.flatMap(placedRules).filter((rule) => sendsToService(rule, scene));
  const pins = rules.filter(
    (rule) => isInForce(rule.virtualService, scene) && sendsTo(rule, scene, target.stable.subset),
  );
  if (pins.length === 0) return [unpinned(scene, stable)];
  return [...unpinnedRules(rules, scene), ...unpinnedInMesh(pins, scene, stable)];
}

function isBehindStablesService({ services, target }: Scene, { podLabels }: Deployment): boolean {
  const service = serviceBehind(services, hostOf(target, target.stable));
  const selector = service && selectorOfService(service);
  return selector !== undefined && carries(podLabels, selector);
}

const sendsToService = ({ destinations }: PlacedRule, { target }: Scene): boolean =>
  destinations.some(({ host }) => sameHost(host, hostOf(target, target.stable)));

const sendsTo = ({ destinations }: PlacedRule, { target }: Scene, subset: string | undefined): boolean =>
  destinations.some((one) => one.subset === subset && sameHost(one.host, hostOf(target, target.stable)));

/** One with hosts is; a delegate is where another one names it, or where the user does. */
function isInForce(virtualService: KubernetesObject, { virtualServices, target }: Scene): boolean {
  const own = nameOf(virtualService);
  if (!isDelegate(virtualService)) return true;
  const delegates = virtualServices.flatMap(rulesOf).flatMap(({ delegate }) => delegate ?? []);
  return [...delegates, ...target.routes].some((each) => isNamed(each, own));
}

/** `1 of 3`, in percent: what a Service gives each of its pods. */
const share = (pods: number, others: number): string => `about ${Math.round((100 * pods) / (pods + others))} %`;

function unpinned({ canary, target }: Scene, stable: Deployment): Finding {
  const { host, subset } = target.stable;
  const what = `No VirtualService sends the requests for ${host} to stable's subset ${subset}, and the Service selects the canary's pods, too`;
  const next = `Apply a VirtualService for ${host} whose only destination is subset ${subset} first.`;
  const pods = canary?.rollout.available ?? 0;
  return pods > 0
    ? warn(
        `${what}: they get ${share(pods, stable.rollout.available)} of the requests already, whatever the weights say.`,
        next,
      )
    : refuse(
        `${what}: they would get ${share(1, stable.rollout.available)} of the requests at once, before the first stage.`,
        next,
      );
}

/** Rules of the release's own VirtualServices; the others are the route's rivals and told of there. */
function unpinnedRules(rules: readonly PlacedRule[], scene: Scene): readonly Finding[] {
  const ours = ({ metadata }: KubernetesObject): boolean =>
    scene.target.routes.some((route) => route.namespace === metadata.namespace && route.name === metadata.name);
  const open = rules.filter((rule) => ours(rule.virtualService) && sendsTo(rule, scene, undefined));
  return open.map(({ word }) =>
    warn(
      `${word} sends to ${scene.target.stable.host} without a subset, so to the canary's pods, too, whatever the weights say.`,
      `Give its destination subset ${scene.target.stable.subset}.`,
    ),
  );
}

function unpinnedInMesh(
  pins: readonly PlacedRule[],
  { target, virtualServices, canary }: Scene,
  stable: Deployment,
): readonly Finding[] {
  const { host } = target.stable;
  const inMesh = virtualServices.some((each) => isForMesh(each) && routes(each, hostOf(target, target.stable)));
  if (inMesh) return [];
  const by = listed([...new Set(pins.map(({ virtualService }) => virtualService.metadata.name))]);
  const pods = Math.max(1, canary?.rollout.available ?? 0);
  return [
    warn(
      `Only gateways follow VirtualService ${by}: clients in the mesh that call ${host} directly reach the canary's pods, too (${share(pods, stable.rollout.available)} of their requests with ${pods} beside ${stable.rollout.available}), whatever the weights say.`,
      `If there are such clients, add mesh to its gateways and ${host} to its hosts, or another VirtualService that sends them to subset ${target.stable.subset}.`,
    ),
  ];
}
