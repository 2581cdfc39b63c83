import { readHost, sameHost } from "./host.ts";
import type { LabelNames } from "./istio-metrics.ts";

export type SeriesLabels = Readonly<Record<string, string>>;

/** The service whose requests are meant, and its two versions. */
type Versions = {
  readonly namespace: string;
  readonly service: string;
  readonly stable: { readonly deployment: string };
  readonly canary: { readonly deployment: string };
};

/** Whose pods got the requests of a series; undefined for those of somebody else. */
export function receiverOf(
  labels: SeriesLabels,
  { namespace, service, stable, canary }: Versions,
  names: LabelNames,
): "stable" | "canary" | "unattributed" | undefined {
  const workload = labels[names.workload];
  if (workload === stable.deployment) return "stable";
  if (workload === canary.deployment) return "canary";
  // A short Host header names a service of the caller's own namespace.
  const host = labels[names.service] ?? service;
  const foreign = !host.includes(".") && (labels[names.sourceNamespace] ?? namespace) !== namespace;
  return workload === "unknown" && !foreign ? "unattributed" : undefined;
}

/** Whether the host that was called, with or without a port, is one of these. Without the label nobody knows better. */
export function calls(labels: SeriesLabels, namespace: string, hosts: readonly string[], names: LabelNames): boolean {
  const called = labels[names.service];
  if (called === undefined) return true;
  const host = readHost(called.replace(/:\d+$/, ""), namespace);
  return hosts.some((one) => sameHost(readHost(one, namespace), host));
}

/** How the requests of a series ended. */
export type Ending = {
  readonly failed: boolean;
  /** The caller left before the answer was whole. */
  readonly givenUp?: boolean;
  /** A reset or a time-out behind the proxy ended it. */
  readonly cutOff?: boolean;
};

/**
 * Code 0 is no answer: nobody was there to give one, or the caller left, which Envoy's flags say
 * (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags).
 */
export function endingOf(labels: SeriesLabels, names: LabelNames): Ending {
  const failed = isFailure(labels, names) || (labels[names.code] === "0" && hasFlag(labels, names, nobodyThere));
  const givenUp = !failed && hasFlag(labels, names, callerLeft);
  return { failed, givenUp, cutOff: hasFlag(labels, names, resetsAndTimeOuts) };
}

/** gRPC answers 200 and says in a status of its own how it went; every one but 0 (OK) is a failure. */
const isFailure = (labels: SeriesLabels, { code, grpc }: LabelNames): boolean =>
  /^5\d\d$/.test(labels[code] ?? "") || !["", "0"].includes(labels[grpc] ?? "");

const nobodyThere: ReadonlySet<string> = new Set(["UF", "UH", "NC"]);
/** A closed connection, and a stream that the caller reset (HTTP/2, gRPC). */
const callerLeft: ReadonlySet<string> = new Set(["DC", "DR"]);
/** In the order of Envoy's list: a time-out, retries used up, resets of all kinds, an idle stream, one that took too long. */
const resetsAndTimeOuts: ReadonlySet<string> = new Set(["UT", "URX", "LR", "UR", "UC", "UPE", "SI", "UMSDR", "DT"]);
const injections: ReadonlySet<string> = new Set(["FI", "DI"]);
const unsent: ReadonlySet<string> = new Set(["UF", "UH", "NC", "UO"]);

/** Answers that a VirtualService's `fault` made are nobody's failure. */
export const isInjected = (labels: SeriesLabels, names: LabelNames): boolean => hasFlag(labels, names, injections);

/** The caller's proxy could not send it to any pod, so that no pod has counted it. */
export const isUnsent = (labels: SeriesLabels, names: LabelNames): boolean => hasFlag(labels, names, unsent);

/** Flags come as a list: "DI,UF". */
const hasFlag = (labels: SeriesLabels, { flags }: LabelNames, some: ReadonlySet<string>): boolean =>
  (labels[flags] ?? "").split(",").some((flag) => some.has(flag));

/**
 * The same for the same labels at every look, in whichever order they come; a metric's name is not always among them.
 */
export function canonicalLabels(labels: SeriesLabels, without: readonly string[] = []): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== "__name__" && !without.includes(name));
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The upper edge of a bucket, in milliseconds. */
export function edgeOf(le: string | undefined): number | undefined {
  const edge = le === "+Inf" ? Infinity : Number(le || Number.NaN);
  return Number.isNaN(edge) ? undefined : edge;
}
