import { formatDuration } from "../lib/duration.ts";
import { number, percent } from "../lib/numbers.ts";
import { type Detectable, detectable, enough } from "../rehearsal/detectable.ts";
import { neverSeen, type Traffic } from "../rehearsal/detection.ts";
import { isJudgedByEvidence } from "../release/gate.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { about, trafficInWords } from "./figures.ts";
import type { Desk } from "./session.ts";
import { usualTraffic, withMeasuredDispersion } from "./traffic.ts";

/** What a plan can find in its service's traffic, or why nobody knows. */
export type Detectability = (Detectable & { readonly traffic: Traffic }) | { readonly because: string };

export async function detectabilityOf(
  desk: Pick<Desk, "traffic" | "dispersion">,
  target: Target,
  plan: Plan,
): Promise<Detectability> {
  const steps = plan.stages.filter((stage) => stage.weight < 100 && isJudgedByEvidence(stage));
  if (steps.length === 0) return { because: "no stage is judged by evidence (gates: auto)" };
  const [traffic, measured] = await Promise.all([
    usualTraffic(desk, target),
    withMeasuredDispersion(desk, target, plan),
  ]);
  if ("because" in traffic) return traffic;
  return {
    traffic,
    ...detectable(
      { steps: steps.map(({ weight, wait }) => ({ weight, wait })), pollEvery: plan.pollEvery },
      traffic,
      measured.plan.evidence.settings,
    ),
  };
}

/** For people: what is found, what it costs until then, and what would find more. */
export function detectabilityLines(found: Detectability): readonly string[] {
  if ("because" in found) return [`What this plan would find cannot be said: ${found.because}.`];
  const { traffic, smallest, dead, safeAfter, runs, seed } = found;
  return [
    `What it finds in the traffic of the last hour, ${trafficInWords(traffic)} (${number(runs)} simulated releases of each kind, seed ${seed}):`,
    ...(smallest
      ? [
          `  a version that ${failing(smallest.ratio, traffic)} is found in at least 80 % of releases, after ${requests(smallest.badRequests)} on average`,
        ]
      : []),
    dead.medianTime === undefined
      ? `  one that fails every request is found in ${percent(dead.found)} of releases`
      : `  one that fails every request is found in ${percent(dead.found)} of releases, half of the time within ${about(dead.medianTime)}, after ${requests(dead.badRequests)} on average`,
    safeAfter === undefined
      ? "  a good one could not be proven safe within 30 days"
      : `  a good one could be proven safe after ${about(safeAfter)}`,
    ...warning(found),
  ];
}

/** Where little or nothing is found: what would help. */
function warning({ traffic, smallest, better }: Detectable & { readonly traffic: Traffic }): readonly string[] {
  if (smallest && smallest.ratio <= enough) return [];
  const little = smallest
    ? `only a version that ${failing(smallest.ratio, traffic)}`
    : "nothing, not even a version that fails every request,";
  const more = better
    ? `${formatDuration(better.wait)} at ${better.weight} % would find one that ${failing(better.ratio, traffic)}`
    : "no stage of up to 4 h would find much more; a gate on a query of your own, or an approval, can judge what is too rare to count";
  return [`! At ${number(traffic.rate)} requests per second this plan finds ${little} in 80 % of releases; ${more}.`];
}

/** "fails 4 times as often (0.4 %)"; where stable never failed, there is nothing to be a multiple of. */
function failing(ratio: number, { baseline }: Traffic): string {
  const rate = ratio * Math.max(baseline, neverSeen);
  if (rate >= 0.9999) return "fails every request";
  return baseline === 0
    ? `fails in ${percent(rate)} of its requests`
    : `fails ${number(ratio)} times as often (${percent(rate)})`;
}

const requests = (count: number): string => `${number(count < 10 ? count : Math.round(count))} failed requests`;
