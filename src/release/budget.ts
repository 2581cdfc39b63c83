import type { Evidence } from "../evidence/evidence.ts";
import { largestWeight } from "../evidence/worst-case.ts";
import type { Plan, Stage } from "./plan.ts";
import { trafficAt } from "./planned-traffic.ts";
import type { SmallerStep } from "./reason.ts";
import type { GateVerdict } from "./verdict.ts";

/**
 * While the worst case that is not ruled out yet allows no larger weight, a stage stays open. Undefined where nothing
 * bounds it.
 */
export function boundOf(plan: Plan, stage: number, evidence: Evidence): GateVerdict | undefined {
  const { weight, largest } = weightsAfter(plan, stage, evidence) ?? { weight: 0, largest: 100 };
  if (largest > weight) return undefined;
  const { inconclusive } = plan.evidence;
  // Going on would be what the budget forbids.
  const policy = inconclusive === "promote" ? "extend" : inconclusive;
  return { gate: "budget", kind: "wait", policy, figures: { of: "budget", largest, weight } };
}

/** The plan with a stage between, where the worst case does not allow the next planned weight yet. */
export function smallerStep(
  plan: Plan,
  stage: number,
  evidence: Evidence,
): { readonly plan: Plan; readonly step: SmallerStep } | undefined {
  const next = weightsAfter(plan, stage, evidence);
  const last = plan.stages[stage];
  if (!next || !last || next.largest >= next.planned || next.largest <= next.weight) return undefined;
  const { drill: _, mirror: __, ...alike } = last;
  const between: Stage = { ...alike, name: `${next.largest}%`, weight: next.largest };
  return {
    plan: { ...plan, stages: plan.stages.toSpliced(stage + 1, 0, between) },
    step: { weight: next.largest, planned: next.planned },
  };
}

type Weights = { readonly weight: number; readonly planned: number; readonly largest: number };

/** The canary's weight now, the next one by the plan, and the largest one that the budget allows. */
function weightsAfter(plan: Plan, stage: number, evidence: Evidence): Weights | undefined {
  const { budget, settings } = plan.evidence;
  const weight = trafficAt(plan, stage).canary;
  if (budget === undefined || weight === 100) return undefined;
  return { weight, planned: trafficAt(plan, stage + 1).canary, largest: largestWeight(evidence, settings, budget) };
}
