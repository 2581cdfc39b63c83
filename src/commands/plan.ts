import { formatDuration } from "../lib/duration.ts";
import { percent } from "../lib/numbers.ts";
import type { Finding } from "../ports/preflight.ts";
import type { EvidenceRules, Gate } from "../release/gate.ts";
import type { Plan, Stage } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { type Detectability, detectabilityLines, detectabilityOf } from "./detectability.ts";
import { textOf } from "./inspect.ts";
import { orient } from "./orient.ts";
import { required } from "./preconditions.ts";
import type { ExitCode, Session } from "./session.ts";

/** Says what a release would do, and makes every preflight check. Changes nothing. */
export async function plan(
  session: Pick<Session, "config" | "soleServer" | "preflight" | "print" | "traffic" | "dispersion">,
): Promise<ExitCode> {
  const wanted = required(session.config);
  const target = await orient(session, wanted.target, wanted.plan);
  const [findings, detectability] = await Promise.all([
    session.preflight(target, wanted.plan).inspect(),
    detectabilityOf(session, target, wanted.plan),
  ]);
  const allowed = !findings.some(({ level }) => level === "refuse");
  session.print(
    session.config.json
      ? JSON.stringify({ target, plan: wanted.plan, detectability, findings, allowed }, undefined, 2)
      : describe(target, wanted.plan, detectability, findings, allowed),
  );
  return allowed ? 0 : 2;
}

const marks = { refuse: "✗", warn: "!", note: "·" } as const;

function describe(
  target: Target,
  plan: Plan,
  detectability: Detectability,
  findings: readonly Finding[],
  allowed: boolean,
): string {
  const total = plan.stages.reduce((sum, { wait }) => sum + wait, 0);
  return [
    `Release of ${target.namespace}/${target.service}: ${target.canary.deployment} gets ${target.image ?? "what it has"}, next to ${target.stable.deployment}.`,
    `  1. ${deployment(target)}, wait until its pods are available (at most ${formatDuration(plan.ready)})`,
    ...plan.stages.map((stage, index) => `  ${index + 2}. ${describeStage(stage, plan.evidence)}`),
    `  ${plan.stages.length + 2}. ${promotion(target, plan)}`,
    `At least ${formatDuration(total)}, at most ${formatDuration(plan.deadline)}. On a failing gate: all traffic to ${target.stable.deployment} at once, the canary removed after ${formatDuration(plan.drain)}.`,
    "",
    ...detectabilityLines(detectability),
    "",
    ...findings.map((finding) => `${marks[finding.level]} ${textOf(finding)}`),
    allowed
      ? "Nothing forbids this release. Nothing was changed."
      : "This release is refused for the reasons marked ✗. Nothing was changed.",
  ].join("\n");
}

function deployment({ source, canary, stable }: Target): string {
  switch (source.from) {
    case "existing":
      return `give Deployment ${canary.deployment} the image`;
    case "clone":
      return `create Deployment ${canary.deployment} as a copy of ${stable.deployment}`;
    case "manifests":
      return `apply ${source.objects.length} manifests`;
  }
}

const describeStage = ({ weight, wait, deadline, gates, approval }: Stage, rules: EvidenceRules): string =>
  `${weight} % of the requests for ${wait === 0 ? "a moment" : formatDuration(wait)}${gates.length > 0 ? `, judged by ${gates.map((gate) => describeGate(gate, rules)).join("; ")} (at most ${formatDuration(deadline)})` : ""}${approval ? ", then wait for `promote`" : ""}`;

function describeGate(gate: Gate, { settings, early }: EvidenceRules): string {
  switch (gate.kind) {
    case "query":
      return `${gate.name}${gate.atLeast === undefined ? "" : ` ≥ ${gate.atLeast}`}${gate.atMost === undefined ? "" : ` ≤ ${gate.atMost}`}`;
    case "errors":
      return [
        gate.name,
        ...(gate.atMost === undefined ? [] : [`≤ ${percent(gate.atMost)}`]),
        ...(gate.aboveStable === undefined ? [] : [`≤ stable + ${gate.aboveStable * 100} points`]),
      ].join(" ");
    case "latency":
      return [
        `${gate.name} p${gate.quantile * 100}`,
        ...(gate.atMost === undefined ? [] : [`≤ ${formatDuration(gate.atMost)}`]),
        ...(gate.timesStable === undefined ? [] : [`≤ ${gate.timesStable} × stable`]),
      ].join(" ");
    case "evidence":
      return `${gate.name} (errors, response times and the split; passes when ${proof[settings.requires]}${early ? ", before its time when surely safe" : ""}; at most ${percent(settings.alpha)} of good releases fail)`;
    case "restarts":
      return `${gate.name} ≤ ${gate.atMost}`;
  }
}

const proof = { sound: "surely not broken", safe: "surely safe" } as const;

function promotion({ stable, canary }: Target, plan: Plan): string {
  if (plan.promotion === "update")
    return `all traffic to ${canary.deployment}; ${stable.deployment} gets the image; traffic back to it; ${canary.deployment} goes; the routes end as they began`;
  return `all traffic to ${canary.deployment}, which is the new stable${plan.keepOld ? "" : `; ${stable.deployment} is scaled to 0 after ${formatDuration(plan.drain)}`}`;
}
