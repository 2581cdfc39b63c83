import { formatDuration } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";
import { someOf } from "../../lib/some-of.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import { type Finding, note, refuse, warn } from "../../ports/preflight.ts";
import { type Gate, isCounting } from "../../release/gate.ts";
import { isMirrored, type Plan } from "../../release/plan.ts";
import { countersOfPod, type PodCounter } from "./pod-counters.ts";
import type { ProxiesOptions } from "./proxies-options.ts";
import type { PodReading } from "./read-pod.ts";
import { mostPods, type ProxyPod, type Roster, wordFor } from "./roster.ts";

export const noQueries = "the proxies answer no query; set metrics.prometheus";

export type ProxyInspection = {
  readonly options: ProxiesOptions;
  readonly plan: Plan;
  readonly roster: Roster | Uncounted;
  readonly readings: readonly PodReading[];
};

/** What was found of the proxies that count, and what is not seen. */
export function inspectProxies({ roster, ...inspection }: ProxyInspection): readonly Finding[] {
  const gates = inspection.plan.stages.flatMap((stage) => stage.gates);
  const level: Finding["level"] = gates.some(isCounting) ? "refuse" : "warn";
  const asked = gates.flatMap((gate) => (gate.kind === "query" ? [unanswered(gate.name)] : []));
  if ("because" in roster) return [{ level, what: upper(roster.because), next: instead }, ...asked];
  if (isMirrored(inspection.plan) && roster.reporter !== "destination") return [uncopied, ...asked];
  return [...asked, ...findingsOf({ ...inspection, roster, level, gates })];
}

type Inspected = Omit<ProxyInspection, "roster"> & {
  readonly roster: Roster;
  readonly level: Finding["level"];
  readonly gates: readonly Gate[];
};

const instead =
  "Set metrics.prometheus where there is one, or metrics.source: none to be judged by time and restarts alone.";

const reach = "See whether the API server reaches the pods: a NetworkPolicy may keep it out of ports 15090 and 15020.";

const uncopied = refuse(
  "Copies of requests are counted by the pods' own proxies alone, and the pods of both versions have none.",
  "Let sidecars be injected, or take mirror out of the stages.",
);

const unanswered = (name: string): Finding => ({ level: "refuse", what: `gate "${name}": ${noQueries}` });

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function findingsOf(inspected: Inspected): readonly Finding[] {
  const { roster, readings, options, level } = inspected;
  const own = readings.filter(({ pod }) => pod.of !== "gateway" || roster.reporter === "source");
  const read = own.filter(({ answer }) => "text" in answer);
  if (roster.pods.length === 0 || (own.length === 0 && roster.reporter === "destination"))
    return [{ level, what: `${upper(nobody(inspected))}, so that no request is counted`, next: instead }];
  if (read.length === 0) return [unread(own, level, options)];
  const counters = readings.flatMap(({ pod, answer }) =>
    "text" in answer ? countersOfPod(answer.text, pod, roster.reporter, options) : [],
  );
  const findings = [
    ...notAnswering(readings, options),
    ...bareOnes(roster),
    ...unseen(roster, readings),
    ...silence(counters, options),
    ...durationsOf(counters, inspected),
  ];
  if (roster.pods.length > mostPods) findings.push(manyPods(roster, options));
  return [...findings, summary(roster, readings, counters, options)];
}

const nobody = ({ roster, options: { target } }: Inspected): string =>
  roster.reporter === "destination"
    ? `no pod of ${target.namespace}/${target.stable.deployment} has a proxy`
    : `no proxy was found that counts requests of ${target.namespace}/${target.stable.deployment}`;

function unread(readings: readonly PodReading[], level: Finding["level"], { target }: ProxiesOptions): Finding {
  const [first] = readings.flatMap(({ answer }) => ("because" in answer ? [answer] : []));
  const next = first?.next ?? reach;
  return {
    level,
    what: `The proxies of ${target.namespace}/${target.stable.deployment} cannot be read: ${first?.because}`,
    next: `${next} ${instead}`,
  };
}

function notAnswering(readings: readonly PodReading[], { target }: ProxiesOptions): readonly Finding[] {
  const failed = readings.flatMap(({ pod, answer }) => ("because" in answer ? [{ pod, ...answer }] : []));
  const kinds = new Map(failed.map((one) => [one.pod.of, one]));
  return [...kinds.values()].map(({ pod, because, next }) =>
    warn(`${countOf(failed, pod)} of ${wordFor(pod.of, target)} cannot be read: ${because}`, next ?? reach),
  );
}

function countOf(failed: readonly { readonly pod: ProxyPod }[], { of }: ProxyPod): string {
  const { length } = failed.filter(({ pod }) => pod.of === of);
  return `${length} ${plural(length, "proxy", "proxies")}`;
}

const bareOnes = ({ bare, reporter }: Roster): readonly Finding[] =>
  bare.length === 0 || reporter !== "destination"
    ? []
    : [
        warn(
          `Pods without a proxy count nothing: ${someOf(
            bare.map(({ namespace, name }) => `${namespace}/${name}`),
            ", ",
          )}`,
          "Restart them where sidecars are injected, or set metrics.prometheus.",
        ),
      ];

const throughPrometheus = "A Prometheus that scrapes them sees those as well: set metrics.prometheus.";

/** Failures that reached no pod are known to whoever sent the request. */
function unseen({ callers, reporter, pods }: Roster, readings: readonly PodReading[]): readonly Finding[] {
  const unreadGateways = callers.gateways
    .map(({ namespace, name }) => `gateway ${namespace}/${name}`)
    .filter(
      (group) =>
        !readings.some(({ pod, answer }) => pod.group === group && "text" in answer) &&
        !pods.some((pod) => pod.group === group),
    );
  const who = [...unreadGateways];
  if (callers.inMesh && reporter !== "waypoint") who.push("callers in the mesh");
  const what =
    reporter === "source"
      ? "their requests are not counted at all"
      : "their requests that reach no pod (503 UH, UF) are not seen";
  const findings: Finding[] = [];
  if (who.length > 0)
    findings.push(warn(`The proxies of ${someOf(who, " and ")} are not read: ${what}`, throughPrometheus));
  if (callers.unread.length > 0)
    findings.push(
      warn(
        `Not read, so that nobody knows which gateways send requests: ${someOf(callers.unread, ", ")}`,
        "Let the job list them; docs/rbac.yaml has the rules.",
      ),
    );
  return findings;
}

function silence(counters: readonly PodCounter[], { target }: ProxiesOptions): readonly Finding[] {
  if (counters.some(({ origin, ...counter }) => origin === "stable" && "failed" in counter)) return [];
  return [
    warn(
      `The proxies have counted no request of ${target.namespace}/${target.stable.deployment} yet`,
      "Without requests, gates that count them have no data.",
    ),
  ];
}

function durationsOf(counters: readonly PodCounter[], { gates, options }: Inspected): readonly Finding[] {
  const isCounted = counters.some((counter) => "failed" in counter);
  if (!isCounted || counters.some((counter) => "le" in counter) || !gates.some(({ kind }) => kind === "latency"))
    return [];
  return [
    {
      level: "refuse",
      what: `The proxies show no ${options.durations}, which the latency gates read`,
      next: "Check that no Telemetry resource drops Istio's histograms, or take the latency gates out.",
    },
  ];
}

const manyPods = ({ pods }: Roster, { interval }: ProxiesOptions): Finding =>
  note(
    `${pods.length} proxies count, and ${mostPods} are read at a look: counts come every ${formatDuration(Math.ceil(pods.length / mostPods) * interval)}`,
  );

function summary(
  { reporter }: Roster,
  readings: readonly PodReading[],
  counters: readonly PodCounter[],
  { target, labels, interval }: ProxiesOptions,
): Finding {
  const read = readings.filter(({ answer }) => "text" in answer).map(({ pod }) => pod);
  const groups = [...new Set(read.map(({ group }) => group))].map((group) => {
    const { length } = read.filter((pod) => pod.group === group);
    return `${length} of ${group}`;
  });
  const times = counters.some((counter) => "le" in counter)
    ? "response times as a histogram"
    : "no histogram, so that response times are not judged";
  return note(
    `Requests of ${target.namespace}/${target.stable.deployment} are read from the proxies themselves every ${formatDuration(interval)}, with ${labels.reporter}=${reporter}: ${groups.join(", ")}; ${times}.`,
  );
}
