import type { TrafficHistory } from "../ports/traffic-history.ts";
import { type Detectability, detectable } from "../rehearsal/detectable.ts";
import { firstThinStage } from "../rehearsal/soundness.ts";
import { isJudgedByEvidence } from "../release/gate.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { fillingInWords } from "../words/filling-in-words.ts";
import { planAnswer } from "../words/plan-answer.ts";
import { planText } from "../words/plan-text.ts";
import { inspectEarlier } from "./earlier-release.ts";
import { orient } from "./orient.ts";
import type { ExitCode, PlanSession } from "./session.ts";
import { noticeSetting } from "./telling-refusals.ts";
import { usualTraffic, withMeasuredDispersion } from "./usual-traffic.ts";

/** Says what a release would do, and makes every preflight check. Changes nothing. */
export async function plan(session: PlanSession): Promise<ExitCode> {
  const at = session.clock.now();
  const { target, exchanged, plan } = await orient(session);
  const [inspected, detectability] = await Promise.all([
    session.preflight(target, plan, { undo: false, exchanged }).inspect(),
    detectabilityOf(session.history, target, plan),
  ]);
  const { filled, left } = session.config.filling;
  const filling = fillingInWords(filled, left).map((said) => ({ level: "note" as const, ...said }));
  const findings = [...(await inspectEarlier(session, inspected)), ...filling];
  const allowed = !findings.some(({ level }) => level === "refuse");
  const manifestImage = session.manifestImage(target);
  const planned = {
    cluster: session.cluster,
    target,
    manifestImage,
    exchanged,
    plan,
    detectability,
    findings,
    allowed,
  };
  if (session.config.json) session.messages.answer(planAnswer(planned));
  else session.messages.print(planText(planned));
  await session.notices.tell({ kind: "planned", planned, ...(await noticeSetting(session, at)) });
  if (allowed) return 0;
  return 2;
}

/** What a plan can find in its service's traffic, or why nobody knows. */
export async function detectabilityOf(history: TrafficHistory, target: Target, plan: Plan): Promise<Detectability> {
  const judged = plan.stages.filter((stage) => stage.weight > 0 && stage.weight < 100 && isJudgedByEvidence(stage));
  if (judged.length === 0) return { because: "no stage is judged by evidence (gates: auto)" };
  const [traffic, measured] = await Promise.all([
    usualTraffic(history, target),
    withMeasuredDispersion(history, target, plan),
  ]);
  if ("because" in traffic) return traffic;
  const steps = judged.map(({ weight, wait }) => ({ weight, wait }));
  const { settings } = measured.plan.evidence;
  return {
    traffic,
    spread: settings.podSpread,
    thin: firstThinStage(judged, traffic, settings),
    ...detectable({ steps, pollEvery: plan.pollEvery }, traffic, settings),
  };
}
