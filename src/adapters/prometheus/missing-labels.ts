import type { LabelNames } from "../../istio/istio-metrics.ts";
import type { Finding } from "../../ports/preflight.ts";
import { type Sample, samplesOf, valuesOf } from "./answered.ts";
import type { Ask } from "./instant-query.ts";

type Use = {
  readonly meaning: keyof LabelNames;
  /** What the label says. */
  readonly says: string;
  readonly without: string;
  readonly level: Finding["level"];
};

/** What each label is for. Without `grpc` there may just be no gRPC, and `instance` stands in for `pod`. */
const uses: readonly Use[] = [
  {
    meaning: "workload",
    says: "which Deployment answered",
    without: "the versions cannot be told apart",
    level: "refuse",
  },
  {
    meaning: "namespace",
    says: "that Deployment's namespace",
    without: "the versions cannot be told from others of the same name",
    level: "refuse",
  },
  {
    meaning: "reporter",
    says: "which proxy counted: source, destination or waypoint",
    without: "every request would count twice",
    level: "refuse",
  },
  { meaning: "code", says: "the HTTP status", without: "no failure would be seen", level: "refuse" },
  { meaning: "flags", says: "Envoy's response flags", without: "injected faults count as failures", level: "warn" },
  {
    meaning: "service",
    says: "the host that was called",
    without: "requests that reach no pod are not seen",
    level: "warn",
  },
  {
    meaning: "sourceNamespace",
    says: "the caller's namespace",
    without: "a request for another namespace's service of the same name that reached no pod counts as this service's",
    level: "note",
  },
];

/** Those of our labels that none of these series has. */
export const missingFrom = (series: readonly Sample[], names: LabelNames): readonly Use[] =>
  uses.filter(({ meaning }) => valuesOf(series, names[meaning]).length === 0);

type SeriesPlace = {
  /** Whose series: "of shop/reviews-v1 in istio_requests_total". */
  readonly where: string;
  readonly selector: string;
  readonly labels: LabelNames;
  /** How much a vital label matters here. */
  readonly level: Finding["level"];
};

/** Says which labels are missing, which there are instead, and what to set. */
export async function tellMissing(
  missing: readonly Use[],
  { where, selector, labels, level }: SeriesPlace,
  ask: Ask,
): Promise<readonly Finding[]> {
  if (missing.length === 0) return [];
  const [one] = samplesOf(await ask(`topk(1, ${selector})`));
  const there = Object.keys(one?.labels ?? {}).filter((name) => name !== "__name__");
  return missing.map(({ meaning, says, without, level: usual }) => ({
    level: usual === "refuse" ? level : usual,
    what: `No series ${where} has the label ${labels[meaning]} (labels there: ${there.sort().join(", ") || "none"}): ${without}`,
    next: `Set metrics.labels.${meaning} to the label that says ${says}, or let Telemetry resources and relabelling keep it.`,
  }));
}
