import { formatDuration, type Millis } from "../lib/duration.ts";
import { withNext } from "../lib/errors.ts";
import { inLines } from "../lib/lines.ts";
import { number, percent, plural } from "../lib/numbers.ts";
import type { Detectability } from "../rehearsal/detectable.ts";
import type { ClusterName } from "../release/account.ts";
import type { AskedGate, EvidenceRules, Gate } from "../release/gate.ts";
import type { Plan, Stage } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { detectabilityLines } from "./detectability-lines.ts";
import { clusterInWords, exchangedInWords } from "./scene-setting.ts";
import { testersInWords } from "./testers-in-words.ts";
import { weightInWords } from "./weight-in-words.ts";

/** A release that was looked at and not begun. */
export type PlannedRelease = {
  readonly cluster: ClusterName;
  readonly target: Target;
  /** What the canary's manifest has, where it comes with one. */
  readonly manifestImage?: string | undefined;
  readonly exchanged: boolean;
  readonly plan: Plan;
  readonly detectability: Detectability;
  readonly findings: readonly {
    readonly level: keyof typeof marks;
    readonly what: string;
    readonly next?: string | undefined;
    readonly code?: string | undefined;
  }[];
  readonly allowed: boolean;
};

const marks = { refuse: "✗", warn: "!", note: "·" } as const;

/** What a release would do, step by step, what it would find, and what was found beforehand. */
export function planText(planned: PlannedRelease): string {
  const { cluster, target, exchanged, plan, detectability, findings, allowed } = planned;
  const { namespace, service, stable, canary } = target;
  const lines = [clusterInWords(cluster)];
  if (exchanged) lines.push(exchangedInWords(target));
  lines.push(
    `Release of ${namespace}/${service}: ${canary.deployment} gets ${imageInWords(planned)}, ${besides(planned)}.`,
  );
  for (const [index, step] of planSteps(planned).entries()) lines.push(`  ${index + 1}. ${step}`);
  if (plan.testers) lines.push(`Testers get the canary from the first stage on: ${testersInWords(plan.testers)}.`);
  if (plan.affinity)
    lines.push(
      `Users stay on the version that answers them first, by the cookie ${plan.affinity.cookie}: weights are for new ones, so that the canary's share grows with these alone, and no split is judged.`,
    );
  lines.push(planLimits(plan, stable.deployment));
  lines.push("", ...detectabilityLines(detectability), "");
  for (const { level, what, next } of findings) lines.push(`${marks[level]} ${withNext(what, next)}`);
  const verdict = allowed ? "Nothing forbids this release." : "This release is refused for the reasons marked ✗.";
  lines.push(`${verdict} Nothing was changed.`);
  return inLines(lines);
}

/** What is done, one after the other. */
export const planSteps = ({ target, plan }: Pick<PlannedRelease, "target" | "plan">): readonly string[] => [
  `${deployment(target)}, wait until its pods are available (at most ${formatDuration(plan.ready)})`,
  ...plan.stages.map((stage) => stageStep(stage, plan.evidence)),
  promotion(target, plan),
];

/** How long a plan takes at least. */
export const leastTime = ({ stages }: Plan): Millis => stages.reduce((sum, { wait }) => sum + wait, 0);

/** How long it takes, and what becomes of a version that is found bad. */
export function planLimits(plan: Plan, stable: string): string {
  const { stages, ready, deadline, drain } = plan;
  if (stages.length === 0)
    return `At most ${formatDuration(deadline)}. There is no version to go back to: if its pods do not get ready, what was made is taken away again.`;
  const least = formatDuration(leastTime(plan));
  const rollback = `all traffic to ${stable} at once, the canary removed after ${formatDuration(drain)}`;
  const longest =
    ready + stages.reduce((sum, { gates, wait, deadline }) => sum + (gates.length > 0 ? deadline : wait), 0);
  let most = `at most ${formatDuration(deadline)} (deadlines.release)`;
  if (longest > deadline)
    most += `, though the stages' own deadlines and the start may take ${formatDuration(longest)}: one that is extended so long is rolled back`;
  return `At least ${least}, ${most}. On a failing gate: ${rollback}.`;
}

function imageInWords({ target, manifestImage }: PlannedRelease): string {
  if (target.image !== undefined) return target.image;
  if (manifestImage === undefined) return "what it has";
  return `${manifestImage} (from the manifest)`;
}

function deployment({ source, canary, stable }: Target): string {
  switch (source.from) {
    case "existing":
      return `give Deployment ${canary.deployment} the image`;
    case "clone":
      return `create Deployment ${canary.deployment} as a copy of ${stable.deployment}`;
    case "manifests":
      return `apply ${source.objects.length} ${plural(source.objects.length, "manifest")}`;
  }
}

function stageStep(stage: Stage, rules: EvidenceRules): string {
  const { wait, deadline, gates, approval, drill } = stage;
  let step = `${requestsOf(stage)} for ${wait === 0 ? "a moment" : formatDuration(wait)}`;
  const judges = gates.map((gate) => gateInWords(gate, rules)).join("; ");
  if (gates.length > 0) step += `, judged by ${judges} (at most ${formatDuration(deadline)})`;
  if (drill)
    step += `, while testers meet ${"delay" in drill ? `a delay of ${formatDuration(drill.delay)}` : `answers of ${drill.abort}`}`;
  if (approval) step += ", then wait for `promote`";
  return step;
}

function requestsOf(stage: Stage): string {
  const { weight, mirror } = stage;
  const share = weightInWords(stage);
  if (mirror !== undefined)
    return `${share} of the requests, whose answers nobody gets (what they write is written twice),`;
  return weight === 0 ? share : `${share} of the requests`;
}

function gateInWords(gate: Gate, rules: EvidenceRules): string {
  switch (gate.kind) {
    case "run":
      return `${own(gate)} (a program of yours)`;
    case "query":
    case "json":
      return own(gate);
    case "errors":
      return withLimits(gate.name, [
        ["≤", gate.atMost, percent],
        ["≤ stable +", gate.aboveStable, (share) => `${number(share * 100)} points`],
      ]);
    case "latency":
      return withLimits(`${gate.name} p${exact(gate.quantile * 100)}`, [
        ["≤", gate.atMost, formatDuration],
        ["≤", gate.timesStable, (times) => `${times} × stable`],
      ]);
    case "evidence":
      return `${gate.name} (${evidenceInWords(rules)})`;
    case "restarts":
      return withLimits(gate.name, [["≤", gate.atMost, String]]);
  }
}

const own = ({ name, atLeast, atMost }: AskedGate): string =>
  withLimits(name, [
    ["≥", atLeast, String],
    ["≤", atMost, String],
  ]);

/**
 * A percentile is a name rather than a number: p99.95 is not p100. Twelve digits take away what floating point added.
 */
const exact = (value: number): number => Number(value.toPrecision(12));

type Limit = readonly [sign: string, value: number | undefined, write: (value: number) => string];

/** The limits that there are, each after its sign. */
function withLimits(name: string, limits: readonly Limit[]): string {
  const words = [name];
  for (const [sign, value, write] of limits) if (value !== undefined) words.push(`${sign} ${write(value)}`);
  return words.join(" ");
}

const proof = { sound: "surely not broken", safe: "surely safe" } as const;

function evidenceInWords({ settings, early }: EvidenceRules): string {
  let passes = `passes when ${proof[settings.requires]}`;
  if (early) passes += ", before its time when surely safe";
  return `errors, response times and the split; ${passes}; at most ${percent(settings.alpha)} of good releases fail`;
}

const besides = ({ target: { stable }, plan }: PlannedRelease): string =>
  plan.stages.length === 0 ? "and all requests at once" : `next to ${stable.deployment}`;

function promotion({ stable, canary }: Target, { promotion, keepOld, drain }: Plan): string {
  const first = `all traffic to ${canary.deployment}`;
  if (promotion === "update")
    return `${first}; ${stable.deployment} gets the image; traffic back to it; ${canary.deployment} goes; the routes end as they began`;
  if (keepOld) return `${first}, which is the new stable`;
  return `${first}, which is the new stable; ${stable.deployment} is scaled to 0 after ${formatDuration(drain)}`;
}
