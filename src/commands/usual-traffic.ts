import type { Settings } from "../evidence/defaults.ts";
import type { Tally } from "../evidence/tally.ts";
import { formatDuration, type Millis } from "../lib/duration.ts";
import type { Uncounted } from "../ports/metrics.ts";
import type { TrafficHistory } from "../ports/traffic-history.ts";
import { type Traffic, trafficOf } from "../rehearsal/detection.ts";
import { isCounting, isJudgedByEvidence } from "../release/gate.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { spreadInWords } from "../words/spread-in-words.ts";

/** What a plan is measured by before its release: long enough to be usual, short enough to be today. */
const window: Millis = 3_600_000;

/** What the service had in the last hour, or why nobody knows. */
export async function usualTraffic(history: TrafficHistory, target: Target): Promise<Traffic | Uncounted> {
  const [tally, rate] = await Promise.all([history.traffic(target, window), history.rate(target, window)]);
  if ("because" in tally) return tally;
  const traffic = trafficOf(withServingFirst(tally), tally.covered);
  const because = `Prometheus counted no request of ${target.stable.deployment} in the last ${formatDuration(window)}`;
  // The two Deployments may have had others' requests as well, and others the service's: before a swap, say.
  if (traffic) return { ...traffic, rate: rate ?? traffic.rate };
  return { because };
}

/** After a swap the Deployment that the configuration calls canary is the one that serves. */
function withServingFirst(tally: Tally): Tally {
  const { stable, canary } = tally;
  if (stable.requests >= canary.requests) return tally;
  return { ...tally, stable: canary, canary: stable };
}

/** What a total is compared with while a canary may be holding requests back: of now, not of this morning. */
const lately: Millis = 600_000;

/**
 * What the service had just before, where requests are counted. Where nobody keeps a history it takes ten seconds to see
 * that.
 */
export async function usualTotal(
  history: TrafficHistory,
  target: Target,
  { stages }: Plan,
): Promise<Pick<Settings, "usual" | "usualOf">> {
  if (!stages.some(({ gates }) => gates.some(isCounting))) return {};
  const tally = await history.traffic(target, lately);
  if ("because" in tally || tally.covered <= 0) return {};
  const { stable, canary, unattributed } = tally;
  const requests = stable.requests + canary.requests + unattributed.requests;
  if (requests === 0) return {};
  return { usual: (requests * 1_000) / tally.covered, usualOf: requests };
}

/**
 * The plan with errors as clustered as stable's were in the last hour, where that is to be measured, and pods that
 * differ as stable's did; and how that was.
 */
export async function withMeasuredDispersion(
  history: TrafficHistory,
  target: Target,
  plan: Plan,
): Promise<{ readonly plan: Plan; readonly because?: string | undefined }> {
  const { evidence, stages } = plan;
  if (!evidence.measured || !stages.some(isJudgedByEvidence)) return { plan };
  const { phi, because, spread } = await history.dispersion(target);
  const settings = { ...evidence.settings, dispersion: { ...evidence.settings.dispersion, phi }, podSpread: spread };
  const measured = { ...plan, evidence: { ...evidence, settings } };
  return { plan: measured, because: `${because}; ${spreadInWords(spread)}` };
}
