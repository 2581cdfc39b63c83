import { isDeepStrictEqual } from "node:util";
import type { WeightedDestination } from "../../istio/destination.ts";
import { readDestinationRule } from "../../istio/destination-rule.ts";
import { covers, type Host, isHalf, readHost, sameHost } from "../../istio/host.ts";
import type { IstioCode } from "../../istio/istio-code.ts";
import { coverageOf } from "../../istio/match-coverage.ts";
import type { Mirror, RouteRule } from "../../istio/route-rule.ts";
import { serviceBehind } from "../../istio/service.ts";
import { gatewaysOf, isForMesh, nameOf, rulesOf } from "../../istio/virtual-service.ts";
import { field, listAt, numberAt } from "../../kubernetes/field.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { coded, type Finding, note, toldOnce, unseen, warn } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { fieldPath, ruleWord } from "../weighted-rules/describe.ts";
import { destinationRoles, servedBy } from "../weighted-rules/destination-roles.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";
import { virtualServiceWord } from "./virtual-service-word.ts";

/** Objects of one kind, as far as they may be read. */
export type KnownObjects = {
  readonly objects: readonly KubernetesObject[];
  readonly isUnread: (namespace: string) => boolean;
};

/** What stands around the routes of a release. */
export type MeshAround = {
  readonly target: Target;
  /** The places of the rules that the release moves. */
  readonly moved: readonly string[];
  readonly services: KnownObjects;
  readonly destinationRules: KnownObjects;
  /** The hosts of ServiceEntries; undefined where they may not be read, and then any host may be one of theirs. */
  readonly entries: readonly Host[] | undefined;
  /** The Service is in an ambient mesh, and this is where its requests are routed. */
  readonly waypoint: string | undefined;
};

/** One VirtualService as a write of the release leaves it. */
type RoutesAhead = MeshAround & {
  readonly object: KubernetesObject;
  readonly rules: readonly RouteRule[];
  readonly word: string;
};

/** A rule of Istio's analysis, or a trap of its semantics that no analysis tells of. */
type IstioRule = { readonly code?: IstioCode; readonly find: (subject: RoutesAhead) => readonly Finding[] };

/** https://istio.io/latest/docs/reference/config/analysis/ */
const meshRules: readonly IstioRule[] = [
  { code: "IST0101", find: unknownHosts },
  { code: "IST0101", find: unknownSubsets },
  { code: "IST0101", find: unknownPorts },
  { code: "IST0112", find: unnamedPorts },
  { code: "IST0174", find: rulesForNobody },
  { code: "IST0130", find: unreachable },
  { code: "IST0131", find: ineffective },
  { code: "IST0165", find: internalGateways },
  { code: "IST0002", find: deprecated },
  { find: otherTimeouts },
  { find: labelsBesideGateways },
  { find: labelsWithoutMesh },
  { find: labelsAtWaypoints },
];

/** What these rules find in an object as it will be after each write, each once. Pure. */
export function meshFindings(states: readonly KubernetesObject[], around: MeshAround): readonly Finding[] {
  const findings = states.flatMap((object) => {
    const subject = { ...around, object, rules: rulesOf(object), word: virtualServiceWord(nameOf(object)) };
    return meshRules.flatMap(({ code, find }) => find(subject).map((one) => (code ? coded(code, one) : one)));
  });
  return toldOnce(findings);
}

type Sent = { readonly rule: RouteRule; readonly to: WeightedDestination | Mirror; readonly path: string };

/** Whoever gets requests or copies; a destination with a weight of 0 is not in the proxies' configuration at all. */
const sentBy = ({ rules }: Pick<RoutesAhead, "rules">): readonly Sent[] =>
  rules.flatMap((rule) => [
    ...rule.destinations
      .filter(({ counts }) => counts > 0)
      .map((to) => ({ rule, to, path: fieldPath(rule, ".route") })),
    ...rule.mirrors.filter(({ share }) => share > 0).map((to) => ({ rule, to, path: fieldPath(rule, ".mirrors") })),
  ]);

const placeOf = ({ word }: RoutesAhead, { rule, path }: Pick<Sent, "rule" | "path">): string =>
  `${word}: ${ruleWord(shape, rule)} (${path})`;

const isCopy = ({ to }: Sent): boolean => "share" in to;

const lost = (one: Sent): string => (isCopy(one) ? "its copies go nowhere" : "its requests are answered with 503 (NC)");

/** Istio completes a name without dots, and takes any other as it stands. */
function unknownHosts(subject: RoutesAhead): readonly Finding[] {
  return sentBy(subject).flatMap((one) => {
    const { host } = one.to;
    if (subject.entries === undefined || subject.entries.some((entry) => isEntry(entry, host))) return [];
    if (isHalf(host)) return [halfHost(subject, one)];
    if (isKnown(subject, host) || isOfRelease(subject, one)) return [];
    return [
      unseen(
        `host ${host.text}`,
        warn(
          `${placeOf(subject, one)} sends to ${host.text}, which is no Service and no host of a ServiceEntry (IST0101): ${lost(one)}.`,
          "Correct the host, or add the Service or the ServiceEntry first.",
        ),
      ),
    ];
  });
}

function halfHost(subject: RoutesAhead, one: Sent): Finding {
  const { text, service } = one.to.host;
  return warn(
    `${placeOf(subject, one)} sends to ${text}: Istio completes only names without a dot, so that this is the host of nobody (IST0101), and ${lost(one)}.`,
    `Write ${service?.name}.${service?.namespace}.svc.cluster.local.`,
  );
}

const isEntry = (entry: Host, host: Host): boolean => entry.text === host.text || covers(entry, host);

function isKnown({ services }: RoutesAhead, host: Host): boolean {
  if (!host.service) return false;
  return services.isUnread(host.service.namespace) || serviceBehind(services.objects, host) !== undefined;
}

/** Of those it is told elsewhere that they are missing. */
const isOfRelease = ({ target }: RoutesAhead, { to }: Sent): boolean =>
  destinationRoles(shape, target).roleOf(to) !== undefined;

function unknownSubsets(subject: RoutesAhead): readonly Finding[] {
  return sentBy(subject).flatMap((one) => {
    const { host, subset } = one.to;
    if (subset === undefined || isOfRelease(subject, one) || hasSubset(subject, host, subset)) return [];
    if (!isKnown(subject, host)) return [];
    return [
      warn(
        `${placeOf(subject, one)} sends to subset ${subset} of ${host.text}, which no DestinationRule defines (IST0101): ${lost(one)}.`,
        `Add the subset to the DestinationRule for ${host.text}, or correct its name.`,
      ),
    ];
  });
}

function hasSubset({ destinationRules }: RoutesAhead, host: Host, subset: string): boolean {
  if (host.service && destinationRules.isUnread(host.service.namespace)) return true;
  const rules = destinationRules.objects.map(readDestinationRule).filter((rule) => covers(rule.host, host));
  return rules.some(({ subsets }) => subsets.some(({ name }) => name === subset));
}

/** Stable's port is looked at with its Service's. */
function unknownPorts(subject: RoutesAhead): readonly Finding[] {
  return withPorts(subject).flatMap(({ one, ports }) => {
    const { port, host } = one.to;
    if (port === undefined || ports.length === 0 || ports.includes(port)) return [];
    return [
      warn(
        `${placeOf(subject, one)} sends to port ${port} of ${host.text}, which has ${portsWord(ports)} only (IST0101): ${lost(one)}.`,
        "Correct port.number, or add the port to the Service.",
      ),
    ];
  });
}

function unnamedPorts(subject: RoutesAhead): readonly Finding[] {
  return withPorts(subject).flatMap(({ one, ports }) => {
    if (one.to.port !== undefined || ports.length < 2) return [];
    return [
      warn(
        `${placeOf(subject, one)} names no port, and ${one.to.host.text} has ${portsWord(ports)}: a gateway cannot tell which is meant (IST0112), and ${lost(one)} there.`,
        "Add port.number to the destination.",
      ),
    ];
  });
}

const portsWord = (ports: readonly number[]): string => `ports ${ports.join(", ")}`;

type SentToPorts = { readonly one: Sent; readonly ports: readonly number[] };

function withPorts(subject: RoutesAhead): readonly SentToPorts[] {
  const others = sentBy(subject).filter((one) => !isOfRelease(subject, one));
  return others.flatMap((one) => {
    const service = serviceBehind(subject.services.objects, one.to.host);
    return service
      ? [{ one, ports: listAt(service, "spec", "ports").flatMap((port) => numberAt(port, "port") ?? []) }]
      : [];
  });
}

/** A rule for `reviews.shop` is for a host that nobody calls, and its subsets are no subsets of the Service. */
function rulesForNobody({ destinationRules, target, entries }: RoutesAhead): readonly Finding[] {
  const ours = [target.stable.host, target.canary.host].map((host) => readHost(host, target.namespace));
  const halves = destinationRules.objects
    .map(readDestinationRule)
    .filter(({ host }) => isHalf(host) && ours.some((one) => sameHost(one, host)))
    .filter(({ host }) => entries !== undefined && !entries.some(({ text }) => text === host.text));
  return halves.map(({ word, host }) =>
    warn(
      `${word}: spec.host ${host.text} is no name that Istio completes, as it has a dot (IST0174): its subsets and its trafficPolicy are for nobody, and requests to the subsets are answered with 503 (NC).`,
      `Write ${host.service?.name}, or ${host.service?.name}.${host.service?.namespace}.svc.cluster.local.`,
    ),
  );
}

const httpRules = ({ rules }: RoutesAhead): readonly RouteRule[] => rules.filter(({ section }) => section === "http");

/** By conditions that rules above it have as well; of one above that takes everything the notices tell. */
function unreachable(subject: RoutesAhead): readonly Finding[] {
  return covered(subject).flatMap(({ rule, coverage: { by, all } }) => {
    if (!all) return [];
    const what = `${placeOf(subject, { rule, path: fieldPath(rule, ".match") })} is never reached: ${ruleWord(shape, by)} above it takes all of its requests (IST0130).`;
    const next = "Move it up, or make its conditions differ.";
    return [subject.moved.includes(rule.place) ? warn(what, next) : note(what, next)];
  });
}

function ineffective(subject: RoutesAhead): readonly Finding[] {
  return covered(subject).flatMap(({ rule, coverage: { by, all } }) =>
    all
      ? []
      : [
          note(
            `${placeOf(subject, { rule, path: fieldPath(rule, ".match") })}: some of its conditions are those of ${ruleWord(shape, by)} above it, which takes those requests (IST0131).`,
            "Take them out where they have no effect.",
          ),
        ],
  );
}

const covered = (subject: RoutesAhead) =>
  httpRules(subject).flatMap((rule, at, all) => {
    const coverage = coverageOf(rule, all.slice(0, at));
    if (coverage) return [{ rule, coverage }];
    return [];
  });

/** istiod makes them of Gateways of the Gateway API, and may name them otherwise tomorrow. */
function internalGateways({ object, word }: RoutesAhead): readonly Finding[] {
  const internal = gatewaysOf(object).filter((name) => name.endsWith("-istio-autogenerated-k8s-gateway"));
  return internal.map((name) =>
    warn(
      `${word}: spec.gateways names ${name}, which istiod makes of a Gateway of the Gateway API and may name otherwise (IST0165): then nobody follows the route there.`,
      "Route with an HTTPRoute whose parent is that Gateway, or give it a Gateway of networking.istio.io.",
    ),
  );
}

const oldFields: readonly (readonly [path: readonly string[], instead: string])[] = [
  [["mirrorPercent"], "mirrorPercentage"],
  [["mirror_percent"], "mirrorPercentage"],
  [["fault", "delay", "percent"], "fault.delay.percentage.value"],
  [["fault", "abort", "percent"], "fault.abort.percentage.value"],
];

function deprecated(subject: RoutesAhead): readonly Finding[] {
  return subject.rules.flatMap((rule) =>
    oldFields
      .filter(([path]) => field(rule.raw, ...path) !== undefined)
      .map(([path, instead]) =>
        note(
          `${placeOf(subject, { rule, path: fieldPath(rule, `.${path.join(".")}`) })} has a field that Istio gives up (IST0002); it counts as before.`,
          `Write ${instead}.`,
        ),
      ),
  );
}

const ofRule = ["timeout", "retries"] as const;

/** A rule for the canary that stays as it is may be more patient with it than the rule that moves, or less. */
function otherTimeouts(subject: RoutesAhead): readonly Finding[] {
  const versions = destinationRoles(shape, subject.target);
  const moving = subject.rules.find(({ place }) => subject.moved.includes(place));
  const staying = subject.rules.filter(
    (rule) => !subject.moved.includes(rule.place) && servedBy(rule, versions).includes("canary"),
  );
  return staying.flatMap((rule) => {
    const unlike = ofRule.filter((key) => moving && !isDeepStrictEqual(rule.raw[key], moving.raw[key]));
    if (!moving || unlike.length === 0) return [];
    return [
      warn(
        `${placeOf(subject, { rule, path: fieldPath(rule, `.${unlike[0]}`) })} sends to the canary with other ${unlike.join(" and ")} than ${ruleWord(shape, moving)}: its requests may fail where stable's do not, and count against the canary.`,
        `Give it the ${unlike.join(" and ")} of ${ruleWord(shape, moving)}.`,
      ),
    ];
  });
}

type Labelled = { readonly rule: RouteRule; readonly condition: unknown; readonly path: string };

/** Conditions that ask who calls. */
const labelled = ({ rules }: RoutesAhead): readonly Labelled[] =>
  rules.flatMap((rule) =>
    listAt({ match: rule.match }, "match").flatMap((condition, at) =>
      field(condition, "sourceLabels") === undefined
        ? []
        : [{ rule, condition, path: fieldPath(rule, `.match[${at}].sourceLabels`) }],
    ),
  );

/** https://github.com/istio/istio/blob/release-1.28/pilot/pkg/networking/core/route/route.go (sourceMatchHTTP) */
function labelsBesideGateways(subject: RoutesAhead): readonly Finding[] {
  return labelled(subject).flatMap((one) => {
    const gateways = listAt(one.condition, "gateways").map(String);
    if (gateways.length === 0) return [];
    return [
      warn(
        `${placeOf(subject, one)} stands beside gateways (${gateways.join(", ")}), and Istio does not ask for the labels then: everybody who comes by one of these gets this rule.`,
        "Make two conditions of it: one with gateways, one with sourceLabels.",
      ),
    ];
  });
}

function labelsWithoutMesh(subject: RoutesAhead): readonly Finding[] {
  if (isForMesh(subject.object)) return [];
  return labelled(subject)
    .filter(({ condition }) => listAt(condition, "gateways").length === 0)
    .map((one) =>
      warn(
        `${placeOf(subject, one)} asks for the labels of callers in the mesh, and ${subject.word} is for gateways only: no caller in the mesh gets this rule.`,
        "Add mesh to spec.gateways.",
      ),
    );
}

/** https://github.com/istio/istio/issues/51565 */
function labelsAtWaypoints(subject: RoutesAhead): readonly Finding[] {
  if (subject.waypoint === undefined) return [];
  return labelled(subject).map((one) =>
    warn(
      `${placeOf(subject, one)} asks who calls, which waypoint ${subject.waypoint} does not know: it leaves this condition out, and nobody gets the rule by it.`,
      "Tell such callers by a header instead.",
    ),
  );
}
