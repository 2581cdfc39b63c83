import { defaults, type Settings } from "../evidence/defaults.ts";
import type { Millis } from "../lib/duration.ts";
import type { EvidenceRules, Gate } from "../release/gate.ts";
import type { Plan, Stage } from "../release/plan.ts";
import type { CanarySource, Replicas, RouteChoice, Target, Version } from "../release/target.ts";
import { at } from "./issue.ts";
import type { Manifest } from "./manifests.ts";
import type { ConfigFile, WrittenRoute } from "./schema.ts";
import type { WrittenStage } from "./short-stages.ts";
import { gatesIn, noRestarts } from "./written-gate.ts";

const minute: Millis = 60_000;

/** How long a cluster that does not answer is borne. */
const patience: Millis = minute;

/** The target of a release, when the file says enough. */
export function targetOf(file: ConfigFile, manifests: readonly Manifest[]): Target | undefined {
  const { namespace, service, stable, canary, image } = file;
  const canaryName = canaryDeployment(file, manifests);
  if (namespace === undefined || service === undefined || stable.deployment === undefined || canaryName === undefined)
    return undefined;
  return {
    namespace,
    service,
    stable: versionOf(stable.deployment, stable, service),
    canary: versionOf(canaryName, canary, service),
    routes: (file.routes ?? [{ kind: "VirtualService" as const, name: service, routes: [] }]).map((route) =>
      routeChoice(route, namespace),
    ),
    source: sourceOf(file, manifests),
    replicas: replicasOf(canary),
    image,
    container: canary.container,
  };
}

type WrittenMetrics = ConfigFile["metrics"];

/** Somebody said who counts; otherwise a job that goes on with a release goes by what the journal has. */
export const isNamedSource = ({ source, prometheus }: WrittenMetrics): boolean =>
  source !== "auto" || prometheus !== undefined;

/** Who counts requests; undefined where nobody does. Without an address there are the proxies of both versions. */
export function metricSourceOf({ source, prometheus }: WrittenMetrics): "prometheus" | "proxies" | undefined {
  if (source === "none") return undefined;
  if (source === "auto") return prometheus === undefined ? "proxies" : "prometheus";
  return source;
}

/** Istio's own Prometheus scrapes every 15s; proxies have what is new at once. */
const usualIntervals: Readonly<Record<"prometheus" | "proxies", Millis>> = { prometheus: 15_000, proxies: 1_000 };

export const intervalOf = (metrics: WrittenMetrics): Millis =>
  metrics.interval ?? usualIntervals[metricSourceOf(metrics) ?? "prometheus"];

/** A rehearsal of what the proxies count each second looks less often, so that it takes no minutes. */
const mostLooks = 400;

export function rehearsedInterval({ metrics, stages = [] }: Pick<ConfigFile, "metrics" | "stages">): Millis {
  const usual = intervalOf(metrics);
  const lasts = stages.reduce((sum, { wait = 0 }) => sum + wait, 0);
  if (metrics.interval !== undefined || usual >= usualIntervals.prometheus) return usual;
  return Math.min(usualIntervals.prometheus, Math.max(1, Math.ceil(lasts / mostLooks / usual)) * usual);
}

export function planOf(file: ConfigFile): Plan {
  const { promotion, deadlines, meshDelay, confirm, drift, canary } = file;
  return {
    stages: (file.stages ?? []).map((stage) => stageOf(stage, gatesOf(stage, file))),
    ...(file.testers ? { testers: file.testers } : {}),
    // Each release has a word of its own, from when it begins.
    ...(file.affinity ? { affinity: { ...file.affinity, release: "next" } } : {}),
    evidence: evidenceOf(file),
    pollEvery: intervalOf(file.metrics),
    ready: deadlines.ready,
    meshDelay,
    confirm,
    drain: promotion.drain,
    deadline: deadlines.release,
    patience,
    // A clone is temporary by nature: the stable Deployment stays the one that people know.
    promotion: promotion.model ?? (canary.from === "clone" ? "update" : "swap"),
    keepOld: promotion.keepOld !== false,
    keepFor: typeof promotion.keepOld === "number" ? promotion.keepOld : undefined,
    drift,
  };
}

/** The canary's Deployment: by name, or as the source makes it plain. */
export function canaryDeployment({ stable, canary }: ConfigFile, manifests: readonly Manifest[]): string | undefined {
  if (canary.deployment !== undefined) return canary.deployment;
  if (canary.from === "clone") return stable.deployment === undefined ? undefined : `${stable.deployment}-canary`;
  const [only, ...others] = manifests
    .filter(({ object }) => object.kind === "Deployment")
    .map(({ object }) => at(object, ["metadata", "name"]));
  if (others.length === 0 && typeof only === "string") return only;
  return undefined;
}

/** Three times the wait gives slow gates room; five minutes, a short stage. */
export const stageDeadline = ({ wait = 0, deadline = Math.max(3 * wait, wait + 5 * minute) }: WrittenStage): Millis =>
  deadline;

const stageOf = (stage: WrittenStage, gates: readonly Gate[]): Stage => ({
  name: stage.name ?? weightInName(stage),
  weight: stage.weight,
  wait: stage.wait ?? 0,
  deadline: stageDeadline(stage),
  gates,
  approval: stage.approval ?? false,
  ...(stage.drill ? { drill: stage.drill } : {}),
  ...(stage.mirror === undefined ? {} : { mirror: stage.mirror }),
});

function weightInName({ weight, mirror }: WrittenStage): string {
  if (mirror !== undefined) return `copies of ${mirror}%`;
  return weight === 0 ? "testers" : `${weight}%`;
}

/** A plan that is over before the usual warm-up would be judged by nothing else. */
const usualWarmUp = (stages: readonly WrittenStage[]): Millis =>
  Math.min(defaults.warmUp, stages.reduce((sum, { wait = 0 }) => sum + wait, 0) / 4);

function evidenceOf({ evidence, metrics, testers, affinity, stages = [] }: ConfigFile): EvidenceRules {
  const {
    inconclusive,
    noData,
    holdFor,
    early,
    budget,
    warmUp = usualWarmUp(stages),
    splitTolerance,
    dispersion,
    ...asked
  } = evidence;
  const settings: Settings = {
    ...defaults,
    ...asked,
    warmUp,
    scrape: intervalOf(metrics),
    // Users who are kept have no planned share of the requests: theirs is whatever it was when they came.
    split: {
      ...defaults.split,
      tolerance: affinity ? 1 : splitTolerance,
      ...(testers || affinity ? { atLeast: true } : {}),
    },
    dispersion: { kind: "tempered", phi: dispersion ?? 1 },
  };
  return {
    settings,
    measured: dispersion === undefined,
    inconclusive,
    noData,
    holdFor,
    early,
    budget,
  };
}

function gatesOf({ weight, wait, gates }: WrittenStage, file: ConfigFile): readonly Gate[] {
  if (gates !== undefined) return gatesIn(gates);
  // `100` alone means "all traffic, then promote": there is no time in which a gate could be judged.
  if (weight === 100 && wait === undefined) return [];
  if (file.gates !== undefined) return gatesIn(file.gates);
  if (metricSourceOf(file.metrics) === undefined) return [noRestarts];
  return gatesIn(["auto"]);
}

const versionOf = (deployment: string, { subset, host }: ConfigFile["stable"], service: string): Version => ({
  deployment,
  host: host ?? service,
  subset,
});

function routeChoice({ kind, name, routes }: WrittenRoute, namespace: string): RouteChoice {
  const [first = "", second] = name.split("/");
  const place = second === undefined ? { namespace, name: first } : { namespace: first, name: second };
  return { kind, ...place, routes };
}

function sourceOf({ canary }: ConfigFile, manifests: readonly Manifest[]): CanarySource {
  if (canary.from === "existing") return { from: "existing" };
  if (canary.from === "clone") return { from: "clone", labels: canary.labels ?? {} };
  return { from: "manifests", objects: manifests.map(({ object }) => object) };
}

function replicasOf({ from, replicas, leastPods }: ConfigFile["canary"]): Replicas {
  const wanted: Replicas = replicas ?? { kind: from === "clone" ? "by-weight" : "keep" };
  if (wanted.kind === "keep" || wanted.kind === "by-weight") return { ...wanted, least: leastPods };
  return wanted;
}
