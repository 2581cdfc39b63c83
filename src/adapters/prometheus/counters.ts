import type { Origin } from "../../evidence/tally.ts";
import type { LabelNames } from "../../istio/istio-metrics.ts";
import type { Target } from "../../release/target.ts";
import type { Labels, Sample } from "./instant-query.ts";
import type { Bucket, Counter } from "./snapshot.ts";

/** Counters as evidence wants them. What is neither a version's nor a failure of the service is left out. */
export const countersOf = (samples: readonly Sample[], target: Target, names: LabelNames): readonly Counter[] =>
  samples.flatMap(({ labels, value }) => {
    const origin = originOf(labels, target, names);
    const failed = origin === "unattributed" ? neverServed(labels, names) : isFailure(labels, names);
    return origin === undefined || (origin === "unattributed" && !failed)
      ? []
      : [
          {
            series: keyOf("requests", labels),
            process: processOf(labels, names),
            origin,
            failed,
            value: Math.round(value),
          },
        ];
  });

export const bucketsOf = (samples: readonly Sample[], target: Target, names: LabelNames): readonly Bucket[] =>
  samples.flatMap(({ labels, value }) => {
    const origin = originOf(labels, target, names);
    const le = edgeOf(labels.le);
    return origin === undefined || le === undefined
      ? []
      : [{ series: keyOf("bucket", labels), process: processOf(labels, names), origin, le, value: Math.round(value) }];
  });

function originOf(
  labels: Labels,
  { namespace, service, stable, canary }: Target,
  names: LabelNames,
): Origin | undefined {
  const workload = labels[names.workload];
  if (workload === stable.deployment) return "stable";
  if (workload === canary.deployment) return "canary";
  // A short Host header names a service of the caller's own namespace.
  const host = labels[names.service] ?? service;
  const foreign = !host.includes(".") && (labels[names.sourceNamespace] ?? namespace) !== namespace;
  return workload === "unknown" && !foreign ? "unattributed" : undefined;
}

/** gRPC answers 200 and says in a status of its own how it went; every one but 0 (OK) is a failure. */
const isFailure = (labels: Labels, { code, grpc }: LabelNames): boolean =>
  /^5\d\d$/.test(labels[code] ?? "") || !["", "0"].includes(labels[grpc] ?? "");

/** Code 0 is a client that went away, unless Envoy's flags say that there was nobody to go to. */
const neverServed = (labels: Labels, names: LabelNames): boolean =>
  isFailure(labels, names) || (labels[names.code] === "0" && /\b(UF|UH|NC)\b/.test(labels[names.flags] ?? ""));

/** The pod where Prometheus finds targets in Kubernetes, otherwise the target's address. */
export const processOf = (labels: Labels, { pod }: LabelNames): string => labels[pod] ?? labels.instance ?? "";

/** The same for the same labels at every poll, in whichever order they come; a metric's name is not always among them. */
function keyOf(metric: string, labels: Labels): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== "__name__");
  return metric + JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function edgeOf(le: string | undefined): number | undefined {
  const edge = le === "+Inf" ? Infinity : Number(le ?? Number.NaN);
  return Number.isNaN(edge) ? undefined : edge;
}
