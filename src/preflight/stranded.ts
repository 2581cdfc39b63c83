import type { Destination } from "../istio/destination.ts";
import { subsetFor } from "../istio/destination-rule.ts";
import { type Host, readHost, sameHost } from "../istio/host.ts";
import { aliasOf, selectorOfService, serviceBehind, wayFromOutside } from "../istio/service.ts";
import type { EntrySource } from "../istio/service-entry.ts";
import { type IngressRule, rulesOfIngress } from "../kubernetes/ingress.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { carries, type Labels, showLabels } from "../kubernetes/selector.ts";
import { percentWord } from "../lib/numbers.ts";
import type { RoutedDestination, RouteFact } from "../ports/route-family.ts";
import { otherRole, type Role, roles } from "../release/target.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import type { KnownEntry, Neighbourhood } from "./neighbourhood.ts";

/** Somebody who reaches the pods of one version alone, and would be left without them. */
export type Bystander = {
  /** `VirtualService shop/reviews: route "static"`. */
  readonly where: string;
  /** Goes on after `where`: `sends 100% of its requests to reviews subset v1`. */
  readonly does: string;
  readonly remedy: WayOut;
  /** By these labels its pods are found. */
  readonly selected: Labels;
};

/** How its requests could find the other version, too: a sentence; or why they cannot, half of one. */
type WayOut = { readonly do: string } | { readonly cannot: string };

/** `moving`: what the release moves is not left behind; when the release is over, nothing moves any more. */
export type StrandedQuestion = { readonly loser: Role; readonly moving: boolean };

/** Everybody who reaches the loser's pods and not the winner's. Pure. */
export function strandedIn(around: Neighbourhood, { loser, moving }: StrandedQuestion): readonly Bystander[] {
  if (!around.podLabels[loser]) return [];
  const lost = (one: Destination): Labels | undefined => lostBehind(around, one, loser);
  const rules = around.facts.flatMap((fact) => strandedRule(fact, staying(fact, moving), lost) ?? []);
  const others = around.gatewayRules.flatMap((rule) => strandedRule(rule, rule.destinations, lost) ?? []);
  const ingresses = around.ingresses.flatMap(rulesOfIngress);
  return [
    ...rules.map((one) => ({ ...one, remedy: remedyFor(one, rules, around) })),
    ...others.map((one) => ({ ...one, remedy: toBoth })),
    ...ingresses.flatMap((rule) => strandedIngress(rule, lost) ?? []),
    ...around.services.flatMap((service) => strandedService(around, service, lost, loser) ?? []),
    ...around.entries.flatMap((known) => strandedEntry(around, known, loser) ?? []),
  ];
}

const toBoth: WayOut = { do: "Let it send to a Service that selects the pods of both versions." };

/** Mirrors do not move with their rule. */
const staying = ({ moves, destinations }: RouteFact, moving: boolean): readonly RoutedDestination[] =>
  moving && moves ? destinations.filter(({ mirror }) => mirror) : destinations;

type StrandedRule<Sender> = Omit<Bystander, "remedy"> & {
  readonly sender: Sender;
  readonly without: readonly RoutedDestination[];
};

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
    without,
    does: without.map(sendingWord).join(" and "),
    selected: lost(first) ?? {},
  };
}

const sendingWord = ({ share, mirror, ...destination }: RoutedDestination): string =>
  `${mirror ? "copies" : "sends"} ${percentWord(share)} of its requests to ${destinationWord(destination)}`;

export const destinationWord = ({ host, subset }: Destination): string =>
  subset === undefined ? host.text : `${host.text} subset ${subset}`;

/** The labels of the pods behind a destination, where they are the loser's and not the winner's. */
export function lostBehind(around: Neighbourhood, destination: Destination, loser: Role): Labels | undefined {
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
  const service = serviceMeant(services, host);
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
  if (labels) return [labels];
  return [];
}

/** Another name for a Service leads to that one; for longer chains nobody has a use. */
function serviceMeant(services: readonly KubernetesObject[], host: Host): KubernetesObject | undefined {
  const service = serviceBehind(services, host);
  const alias = service && aliasOf(service);
  if (alias) return serviceBehind(services, alias);
  return service;
}

const wholeHost = (name: string, namespace: string): Destination => ({
  host: readHost(name, namespace),
  subset: undefined,
  port: undefined,
});

/** A Service without a selector finds no pods by itself. */
function selectorOf(service: KubernetesObject): Labels | undefined {
  const selector = selectorOfService(service);
  if (selector && Object.keys(selector).length > 0) return selector;
  return undefined;
}

export const reaches = ({ podLabels }: Neighbourhood, selected: Labels, role: Role): boolean =>
  podLabels[role] !== undefined && carries(podLabels[role], selected);

const reachesAlone = (around: Neighbourhood, selected: Labels, loser: Role): boolean =>
  reaches(around, selected, loser) && !reaches(around, selected, otherRole(loser));

type Lost = (one: Destination) => Labels | undefined;

/**
 * Whoever calls it without a route. Between those of the two versions the routes of the release move requests; but not
 * those that come in past every route.
 */
function strandedService(
  around: Neighbourhood,
  service: KubernetesObject,
  lost: Lost,
  loser: Role,
): Bystander | undefined {
  const { namespace = "", name } = service.metadata;
  const destination = wholeHost(name, namespace);
  const selected = lost(destination);
  if (!selected) return undefined;
  const [by, alias] = [wayFromOutside(service), aliasOf(service)];
  const pods = `the pods of ${around.target[loser].deployment} alone (${showLabels(selected)})`;
  const one = { where: placeWord(service), selected };
  if (alias) return { ...one, does: `is another name for ${alias.text}, which selects ${pods}`, remedy: forBoth };
  if (!isOfRelease(around, destination.host)) return { ...one, does: `selects ${pods}`, remedy: forBoth };
  if (by === undefined) return undefined;
  const remedy = { do: "Let those requests come in by a gateway that follows the route." };
  return { ...one, does: `can be reached by ${by}, past every route, and selects ${pods}`, remedy };
}

const forBoth: WayOut = { do: "Remove it, or let it select what the pods of both versions have." };

function strandedIngress({ where, service, namespace }: IngressRule, lost: Lost): Bystander | undefined {
  const selected = lost(wholeHost(service, namespace));
  if (!selected) return undefined;
  const remedy = { do: "Let those requests come in by a gateway that follows the route." };
  return { where, does: `sends its requests to Service ${service}, past every route`, remedy, selected };
}

function strandedEntry(around: Neighbourhood, known: KnownEntry, loser: Role): Bystander | undefined {
  const { deployment } = around.target[loser];
  const found = known.sources.flatMap((source) => {
    const selected = selectedByEntry(around, known, source).find((one) => reachesAlone(around, one, loser));
    if (selected) return [{ source, selected }];
    return [];
  });
  const [first] = found;
  if (!first) return undefined;
  const { source, selected } = first;
  const does =
    "labels" in source
      ? `selects the pods of ${deployment} alone (${showLabels(selected)})`
      : `sends to ${source.address}, which leads to the pods of ${deployment} alone`;
  return { where: placeWord(known.entry), does, remedy: forBoth, selected };
}

function selectedByEntry(around: Neighbourhood, { entry, podsAt }: KnownEntry, source: EntrySource): readonly Labels[] {
  const { namespace = "" } = entry.metadata;
  if ("labels" in source) return namespace === around.target.namespace ? [source.labels] : [];
  const ofPod = podsAt.get(source.address);
  if (!ofPod) return selectedBy(around, wholeHost(source.address, namespace));
  return roles.flatMap((role) => {
    const labels = around.podLabels[role];
    if (labels && carries(ofPod, labels)) return [labels];
    return [];
  });
}

const isOfRelease = ({ target }: Neighbourhood, host: Host): boolean =>
  [target.stable, target.canary].some((version) => sameHost(readHost(version.host, target.namespace), host));

/** What somebody can do about a rule, and only what works. */
function remedyFor(
  { sender: fact, without }: StrandedRule<RouteFact>,
  stranded: readonly StrandedRule<RouteFact>[],
  around: Neighbourhood,
): WayOut {
  const { moves, canMove } = fact;
  if (moves || without.every(({ mirror }) => mirror)) return { do: "Take its mirror away before the release." };
  const before = without.some(({ mirror }) => mirror) ? "Take its mirror away. " : "";
  const move = moveWord(fact, stranded, around);
  if (canMove) return { do: `${before}${move}.` };
  const other = without.find((one) => !one.mirror && !isStables(around, one));
  if (!other) return { cannot: "A release cannot move it as it is" };
  const is = destinationWord(other);
  return {
    do: `${before}Write ${stableWord(around)} there instead of ${is} (or name ${is} as stable in the configuration). ${move}.`,
  };
}

const isStables = ({ target }: Neighbourhood, { host, subset }: Destination): boolean =>
  subset === target.stable.subset && sameHost(host, readHost(target.stable.host, target.namespace));

const stableWord = ({ target: { stable } }: Neighbourhood): string =>
  stable.subset === undefined ? `host ${stable.host} without a subset` : `host ${stable.host}, subset ${stable.subset}`;

/** The entry under `routes` by which a rule moves, with the others of its object that move or have to. */
function moveWord(fact: RouteFact, stranded: readonly StrandedRule<RouteFact>[], { facts }: Neighbourhood): string {
  const { kind, namespace, name } = fact.route;
  const left = stranded.filter(({ without }) => !without.every(({ mirror }) => mirror)).map(({ sender }) => sender);
  const ofObject = facts.filter((one) => one.route === fact.route);
  const together = ofObject.filter((one) => one.moves || left.includes(one));
  if (!fact.isChosen && together.length === ofObject.length)
    return `Name ${namespace}/${name} under routes as well, so that it moves with the others`;
  const list = together.map(({ called }) => (called.includes("#") ? `"${called}"` : called)).join(", ");
  return `Let it move with the others: routes: [{ ${routeKindWords[kind].key}: ${namespace}/${name}, routes: [${list}] }]`;
}
