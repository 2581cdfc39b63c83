import type { Settings } from "./defaults.ts";
import { burstOf, type Evidence, provenBy } from "./evidence.ts";
import type { Excess } from "./excess.ts";
import { feltLogE, isUncompared } from "./latency.ts";
import { allMetrics, type ByMetric, byMetric, type Metric } from "./metric.ts";
import { logE } from "./mixture.ts";
import { logMeanExp, logSumExp } from "./numerics.ts";
import { isSilent, whereabouts } from "./silence.ts";
import { hasSettled, splitEvidence } from "./split-test.ts";

/**
 * What follows, most urgent first; of what is proven twice, the one that says more. `lost`: requests meant for the
 * canary fail without reaching a pod. `unanswered`: they reach it, and do not end.
 */
export const findings = [
  "harm",
  "broken",
  "too-much-traffic",
  "lost",
  "unanswered",
  "too-little-traffic",
  "safe",
  "sound",
  "nothing",
] as const;
export type EvidenceFinding = (typeof findings)[number];

/** How much is proven: the natural logarithm of each e-value, and what follows. */
export type WeighedEvidence = {
  readonly metrics: ByMetric<number>;
  /** All metrics together, each with its share; how requests end only while it exceeds stable's by `minExcess`. */
  readonly harm: number;
  /** The same without the minute in which each metric has proven most. */
  readonly lasting: number;
  readonly most: Metric;
  readonly safe: number;
  readonly breaker: number;
  /** As the breaker, of callers that leave. */
  readonly deserted: number;
  readonly sound: number;
  readonly split: { readonly more: number; readonly less: number };
  readonly finding: EvidenceFinding;
};

/** Weighs the evidence. In the order of urgency: what stops a release comes before what lets it go on. */
export function weigh(evidence: Evidence, settings: Settings): WeighedEvidence {
  const metrics = provenBy(evidence, (latency) => feltLogE(latency, settings));
  const parts = stakes(metrics, evidence, settings);
  const withoutBursts = byMetric((metric) => metrics[metric] - evidence.bursts[metric].most);
  const [most] = parts.reduce((best, part) => (part[1] > best[1] ? part : best));
  const weight = {
    metrics,
    harm: logSumExp(parts.map(([, part]) => part)),
    lasting: logSumExp(stakes(withoutBursts, evidence, settings).map(([, part]) => part)),
    most,
    safe: settings.minExcess > 0 ? logMeanExp([logE(evidence.safe), logE(evidence.harmless)]) : logE(evidence.safe),
    breaker: logE(evidence.breaker),
    deserted: logE(evidence.deserted),
    sound: logE(evidence.sound),
    split: splitEvidence(evidence.split, settings.split),
  };
  return { ...weight, finding: findingOf(weight, evidence, settings) };
}

/** It is asked anew all the time, so that much is needed each time. */
export const alphaOfCollapse = 0.001;

function findingOf(weight: Omit<WeighedEvidence, "finding">, evidence: Evidence, settings: Settings): EvidenceFinding {
  const { breaker, deserted, sound, split, harm, lasting, safe, metrics } = weight;
  const proven = (logE: number, alpha: number): boolean => logE >= Math.log(1 / alpha);
  if (proven(harm, settings.alpha) && proven(lasting, Math.sqrt(settings.alpha))) return "harm";
  if (proven(Math.max(breaker, deserted), settings.breaker.alpha)) return "broken";
  if (proven(logE(evidence.collapse), alphaOfCollapse)) return "broken";
  const settled = hasSettled(evidence.split, evidence.age, settings);
  if (settled && proven(split.more, settings.split.alpha)) return "too-much-traffic";
  const tooLittle = proven(split.less, settings.split.alpha);
  const silent = isSilent(evidence, settings);
  if ((tooLittle || silent) && lostExplainsIt(evidence)) return "lost";
  const { are } = whereabouts(evidence, settings) ?? {};
  // Without a word of the canary, and of where its requests are, nobody may lose them for longer.
  if (silent && !(are === "elsewhere" && evidence.split.requests.canary === 0)) return "unanswered";
  if (settled && tooLittle && are === "missing") return "unanswered";
  if (settled && tooLittle) return "too-little-traffic";
  if (owesResponseTimes(evidence, settings)) return "nothing";
  if (isHalfwayToHarm(weight, evidence, settings)) return "nothing";
  // Only errors are proven safe; a metric that leans the other way keeps the stage open.
  const leaning = Math.max(metrics.latency, metrics.givenUp, metrics.cutOff, metrics.objective) > 0;
  if (proven(safe, settings.beta) && !leaning) return "safe";
  if (proven(sound, settings.beta)) return "sound";
  return "nothing";
}

/**
 * Half-way to a proof of harm is no moment to give a canary more traffic. What it owes to one minute alone is forgiven
 * when twice as long has passed since.
 */
function isHalfwayToHarm(
  { harm, lasting }: Omit<WeighedEvidence, "finding">,
  { age, bursts }: Evidence,
  settings: Settings,
): boolean {
  const halfWay = Math.log(1 / settings.alpha) / 2;
  const newest = Math.max(...Object.values(bursts).map(({ until }) => until));
  return lasting >= halfWay || (harm >= halfWay && age - newest < 2 * burstOf(settings));
}

/**
 * Once a canary is compared with stable it is by its response times as well, where there are any: one that never fails
 * may take forty times as long. With all of the traffic it has nobody beside it to be compared with.
 */
export const owesResponseTimes = ({ age, latency, split }: Evidence, { warmUp }: Settings): boolean =>
  age >= warmUp && split.weight !== 100 && isUncompared(latency);

/** Failures that reached no pod are the canary's when they are about as many as the requests that it lacks. */
function lostExplainsIt({ split: { weight = 0, requests, lost } }: Evidence): boolean {
  const planned = ((requests.stable + requests.canary) * weight) / 100;
  return lost > 0 && lost >= (planned - requests.canary) / 2;
}

/** ln(share · E) of every metric that is asked. */
function stakes(
  metrics: ByMetric<number>,
  evidence: Evidence,
  settings: Settings,
): readonly (readonly [Metric, number])[] {
  const { shares, objective } = settings;
  const { excess, givenUp, cutOff } = evidence;
  const excesses: Partial<ByMetric<Excess>> = { errors: excess, givenUp: givenUp.excess, cutOff: cutOff.excess };
  const asked = allMetrics.filter((metric) => metric !== "objective" || objective !== undefined);
  const whole = asked.reduce((sum, metric) => sum + shares[metric], 0);
  return asked.map((metric) => {
    const matters = !tooSmallToMatter(excesses[metric], settings);
    return [metric, matters ? Math.log(shares[metric] / whole) + metrics[metric] : -Infinity];
  });
}

/** It only takes rollbacks away, so no promise about false ones is touched. */
const tooSmallToMatter = (excess: Excess | undefined, { minExcess }: Settings): boolean =>
  excess !== undefined && excess.above < minExcess * excess.requests;
