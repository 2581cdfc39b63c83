import type { Evidence } from "../evidence/evidence.ts";
import { largestWeight } from "../evidence/worst-case.ts";
import type { GateVerdict } from "./gate.ts";
import type { Plan, Stage } from "./plan.ts";
import { splitOf } from "./split.ts";

/** While the worst case that is not ruled out yet allows no larger weight, a stage stays open. Undefined where nothing bounds it. */
export function boundOf(plan: Plan, stage: number, evidence: Evidence | undefined): GateVerdict | undefined {
  const { weight, largest } = weightsAfter(plan, stage, evidence) ?? { weight: 0, largest: 100 };
  if (largest > weight) return undefined;
  const because = `the worst case that is not ruled out yet allows at most ${largest} % of the requests within the budget, and the canary has ${weight} %`;
  const { inconclusive } = plan.evidence;
  // Going on would be what the budget forbids.
  return {
    gate: "budget",
    kind: "wait",
    because,
    value: `${largest} %`,
    limit: `> ${weight} %`,
    policy: inconclusive === "promote" ? "extend" : inconclusive,
  };
}

/** The plan with a stage between, where the worst case does not allow the next planned weight yet. */
export function smallerStep(
  plan: Plan,
  stage: number,
  evidence: Evidence | undefined,
): { readonly plan: Plan; readonly because: string } | undefined {
  const next = weightsAfter(plan, stage, evidence);
  const last = plan.stages[stage];
  if (!next || !last || next.largest >= next.planned || next.largest <= next.weight) return undefined;
  const between: Stage = { ...last, name: `${next.largest} %`, weight: next.largest };
  return {
    plan: { ...plan, stages: plan.stages.toSpliced(stage + 1, 0, between) },
    because: `next is ${next.largest} % instead of ${next.planned} %, the most at which the worst case stays within the budget`,
  };
}

type Weights = { readonly weight: number; readonly planned: number; readonly largest: number };

/** The canary's weight now, the next one by the plan, and the largest one that the budget allows. */
function weightsAfter(plan: Plan, stage: number, evidence: Evidence | undefined): Weights | undefined {
  const { budget, settings } = plan.evidence;
  const weight = splitOf(plan, stage).canary;
  if (budget === undefined || evidence === undefined || weight === 100) return undefined;
  return { weight, planned: splitOf(plan, stage + 1).canary, largest: largestWeight(evidence, settings, budget) };
}
