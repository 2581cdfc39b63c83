import type { Settings } from "./defaults.ts";
import type { Evidence } from "./evidence.ts";
import { latencyLogE } from "./latency.ts";
import { logE } from "./mixture.ts";
import { logMeanExp, logSumExp } from "./numerics.ts";
import { splitEvidence } from "./split-test.ts";

/** What a canary can be worse in. They share α. */
export type Metric = "errors" | "latency" | "objective";

/** How much is proven: the natural logarithm of each e-value, and what follows. */
export type Weight = {
  readonly metrics: { readonly [metric in Metric]: number };
  /** All metrics together, each with its share; errors only while they exceed stable's by `minExcess`. */
  readonly harm: number;
  readonly most: Metric;
  readonly safe: number;
  readonly breaker: number;
  readonly split: { readonly more: number; readonly less: number };
  readonly finding: "broken" | "too-much-traffic" | "harm" | "too-little-traffic" | "safe" | "nothing";
};

/** Weighs the evidence. In the order of urgency: what stops a release comes before what lets it go on. */
export function weigh(evidence: Evidence, settings: Settings): Weight {
  const metrics = { errors: logE(evidence.harm), latency: latencyLogE(evidence.latency), objective: logE(evidence.objective) };
  const parts = stakes(metrics, tooSmallToMatter(evidence, settings), settings);
  const [most] = parts.reduce((best, part) => (part[1] > best[1] ? part : best));
  const weight = {
    metrics,
    harm: logSumExp(parts.map(([, part]) => part)),
    most,
    safe: settings.minExcess > 0 ? logMeanExp([logE(evidence.safe), logE(evidence.harmless)]) : logE(evidence.safe),
    breaker: logE(evidence.breaker),
    split: splitEvidence(evidence.split, settings.split.tolerance),
  };
  return { ...weight, finding: findingOf(weight, settings) };
}

function findingOf({ breaker, split, harm, safe, metrics }: Omit<Weight, "finding">, settings: Settings): Weight["finding"] {
  const proven = (logE: number, alpha: number): boolean => logE >= Math.log(1 / alpha);
  if (proven(breaker, settings.breaker.alpha)) return "broken";
  if (proven(split.more, settings.split.alpha)) return "too-much-traffic";
  if (proven(harm, settings.alpha)) return "harm";
  if (proven(split.less, settings.split.alpha)) return "too-little-traffic";
  // Only errors are proven safe; a metric that leans the other way keeps the stage open.
  if (proven(safe, settings.beta) && metrics.latency <= 0 && metrics.objective <= 0) return "safe";
  return "nothing";
}

/** ln(share · E) of every metric that is asked. */
function stakes(metrics: Weight["metrics"], errorsDoNotMatter: boolean, { shares, objective }: Settings): readonly (readonly [Metric, number])[] {
  const asked: readonly Metric[] = objective === undefined ? ["errors", "latency"] : ["errors", "latency", "objective"];
  const whole = asked.reduce((sum, metric) => sum + shares[metric], 0);
  return asked.map((metric) => [metric, metric === "errors" && errorsDoNotMatter ? -Infinity : Math.log(shares[metric] / whole) + metrics[metric]]);
}

/** It only takes rollbacks away, so no promise about false ones is touched. */
const tooSmallToMatter = ({ excess }: Evidence, { minExcess }: Settings): boolean => excess.above < minExcess * excess.requests;
