import type { Destination } from "../istio/destination.ts";
import { subsetFor } from "../istio/destination-rule.ts";
import { type Host, readHost, sameHost } from "../istio/host.ts";
import { selectorOfService, serviceBehind } from "../istio/service.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, type Labels, showLabels } from "../kubernetes/selector.ts";
import { percentWord } from "../lib/numbers.ts";
import type { RoutedDestination, RouteFact } from "../ports/route-family.ts";
import { otherRole, type Role, roles } from "../release/target.ts";
import type { Neighbourhood } from "./neighbourhood.ts";

/** Somebody who reaches the pods of one version alone, and would be left without them. */
export type Bystander = {
  /** `VirtualService shop/reviews: route "static"`. */
  readonly where: string;
  /** Goes on after `where`: `sends 100 % of its requests to reviews subset v1`. */
  readonly does: string;
  /** How its requests could find the other version, too. A sentence. */
  readonly remedy: string;
  /** By these labels its pods are found. */
  readonly selected: Labels;
};

/** `moving`: what the release moves is not left behind; when the release is over, nothing moves any more. */
export type StrandedQuestion = { readonly loser: Role; readonly moving: boolean };

/** Everybody who reaches the loser's pods and not the winner's. Pure. */
export function strandedIn(around: Neighbourhood, { loser, moving }: StrandedQuestion): readonly Bystander[] {
  if (!around.podLabels[loser]) return [];
  const lost = (one: RoutedDestination): Labels | undefined => lostBehind(around, one, loser);
  const rules = around.facts.flatMap((fact) => strandedRule(fact, staying(fact, moving), lost) ?? []);
  const others = around.gatewayRules.flatMap((rule) => strandedRule(rule, rule.destinations, lost) ?? []);
  const named = moving ? rules.map((one) => ({ ...one, remedy: remedyFor(one.sender, rules, around.facts) })) : rules;
  return [
    ...named,
    ...others.map((one) => ({ ...one, remedy: "Let it send to a Service that selects the pods of both versions." })),
    ...around.services.flatMap((service) => strandedService(around, service, loser) ?? []),
  ];
}

/** Mirrors do not move with their rule. */
const staying = ({ moves, destinations }: RouteFact, moving: boolean): readonly RoutedDestination[] =>
  moving && moves ? destinations.filter(({ mirror }) => mirror) : destinations;

type StrandedRule<Sender> = Bystander & { readonly sender: Sender };

function strandedRule<Sender extends { readonly where: string }>(
  sender: Sender,
  destinations: readonly RoutedDestination[],
  lost: (one: RoutedDestination) => Labels | undefined,
): StrandedRule<Sender> | undefined {
  const without = destinations.filter((one) => one.share > 0 && lost(one));
  const [first] = without;
  if (!first) return undefined;
  return {
    sender,
    where: sender.where,
    does: without.map(sendingWord).join(" and "),
    remedy: "",
    selected: lost(first) ?? {},
  };
}

const sendingWord = ({ share, mirror, ...destination }: RoutedDestination): string =>
  `${mirror ? "copies" : "sends"} ${percentWord(share)} of its requests to ${destinationWord(destination)}`;

export const destinationWord = ({ host, subset }: Destination): string =>
  subset === undefined ? host.text : `${host.text} subset ${subset}`;

/** The labels of the pods behind a destination, where they are the loser's and not the winner's. */
function lostBehind(around: Neighbourhood, destination: RoutedDestination, loser: Role): Labels | undefined {
  return selectedBy(around, destination).find((selected) => reachesAlone(around, selected, loser));
}

/**
 * The labels of its pods: for clients in different namespaces a subset may be defined differently. None where no Service
 * with a selector is meant, or nobody knows the subset.
 */
export function selectedBy(
  { services, destinationRules, target, podLabels }: Neighbourhood,
  { host, subset }: Destination,
): readonly Labels[] {
  const service = serviceBehind(services, host);
  const selector = service && selectorOf(service);
  if (!selector) return [];
  if (subset === undefined) return [selector];
  const namespaces = new Set(destinationRules.map(({ metadata }) => metadata.namespace));
  const defined = [...namespaces].flatMap((namespace) => {
    const there = destinationRules.filter(({ metadata }) => metadata.namespace === namespace);
    return subsetFor(there, host, subset) ?? [];
  });
  if (defined.length > 0) return defined.map(({ labels }) => ({ ...selector, ...labels }));
  // A DestinationRule somewhere else may define it: then it means the version that the configuration gives it.
  const role = roles.find(
    (one) => target[one].subset === subset && sameHost(readHost(target[one].host, target.namespace), host),
  );
  const labels = role && podLabels[role];
  return labels ? [labels] : [];
}

/** A Service without a selector finds no pods by itself. */
function selectorOf(service: KubernetesObject): Labels | undefined {
  const selector = selectorOfService(service);
  return selector && Object.keys(selector).length > 0 ? selector : undefined;
}

export const reaches = ({ podLabels }: Neighbourhood, selected: Labels, role: Role): boolean =>
  podLabels[role] !== undefined && carries(podLabels[role], selected);

const reachesAlone = (around: Neighbourhood, selected: Labels, loser: Role): boolean =>
  reaches(around, selected, loser) && !reaches(around, selected, otherRole(loser));

/** Whoever calls it without a route; those of the two versions are what the routes of the release move between. */
function strandedService(around: Neighbourhood, service: KubernetesObject, loser: Role): Bystander | undefined {
  const { namespace = "", name } = service.metadata;
  const selected = selectorOf(service);
  if (!selected || !reachesAlone(around, selected, loser) || isOfRelease(around, readHost(name, namespace)))
    return undefined;
  return {
    where: `Service ${namespace}/${name}`,
    does: `selects the pods of ${around.target[loser].deployment} alone (${showLabels(selected)})`,
    remedy: "Remove it, or let it select what the pods of both versions have.",
    selected,
  };
}

const isOfRelease = ({ target }: Neighbourhood, host: Host): boolean =>
  [target.stable, target.canary].some((version) => sameHost(readHost(version.host, target.namespace), host));

/** What somebody can do about a rule, by what kind of rule it is. */
function remedyFor(fact: RouteFact, stranded: readonly StrandedRule<RouteFact>[], facts: readonly RouteFact[]): string {
  const { route, section, isChosen, moves } = fact;
  const name = `${route.namespace}/${route.name}`;
  if (moves) return "Take its mirror away before the release.";
  if (section !== "http") return `Rules of ${section} are not moved by a release.`;
  if (!isChosen) return `Name ${name} under routes as well, so that it moves with the others.`;
  const left = stranded.map(({ sender }) => sender);
  const together = facts.filter(
    (one) => one.route === fact.route && (one.moves || (left.includes(one) && one.section === "http")),
  );
  const list = together.map(({ called }) => (called.startsWith("#") ? `"${called}"` : called)).join(", ");
  return `Let it move with the others: routes: [{ virtualService: ${name}, routes: [${list}] }].`;
}
