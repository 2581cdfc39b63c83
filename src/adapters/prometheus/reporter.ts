import type { MetricNames } from "../../evidence/metric-names.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Target } from "../../release/target.ts";
import { type Answered, instantQuery, type NoAnswer, type PrometheusAddress, samplesOf } from "./instant-query.ts";
import { selectors } from "./selectors.ts";

/** The proxy that counts: the caller's (a gateway's, too), the pod's own, or one in between. */
export type Reporter = "source" | "destination" | "waypoint";

/** Why each is taken before those after it. */
export const preference: readonly { readonly reporter: Reporter; readonly because: string }[] = [
  { reporter: "source", because: "callers alone see the requests that reach no pod" },
  { reporter: "waypoint", because: "no caller's proxy has counted any" },
  {
    reporter: "destination",
    because: "neither a caller's proxy nor a waypoint has counted any; requests that reach no pod may go unseen",
  },
];

/** Whose counters are read, decided once: one release must not compare one proxy's counts with another's. */
export type ReporterChoice = {
  /** Asks when nothing is known yet. As long as nobody has counted anything it is source, and still open. */
  decide(at: Instant, signal: AbortSignal): Promise<Reporter | NoAnswer>;
  /** Decides by the reporters of stable's series, unless that is done. */
  learn(found: readonly string[]): Reporter;
};

type Options = PrometheusAddress & MetricNames & { readonly reporter: Reporter | "auto"; readonly target: Target };

export function reporterChoice(options: Options): ReporterChoice {
  let kept = options.reporter === "auto" ? undefined : options.reporter;
  let asked = false;
  const learn = (found: readonly string[]): Reporter => {
    asked = true;
    kept ??= preference.find(({ reporter }) => found.includes(reporter))?.reporter;
    return kept ?? "source";
  };
  return {
    learn,
    async decide(at, signal) {
      // Later polls learn from what they ask anyway.
      if (kept !== undefined || asked) return kept ?? "source";
      const answer = await instantQuery(options, selectors(options.target, "source", options).present, at, signal);
      return "because" in answer ? answer : learn(reportersOf(answer, options));
    },
  };
}

/** Who has counted requests of stable, by an answer to `present`. */
export const reportersOf = (
  present: Answered,
  { labels, target }: Pick<Options, "labels" | "target">,
): readonly string[] =>
  samplesOf(present).flatMap((sample) =>
    sample.labels[labels.workload] === target.stable.deployment ? (sample.labels[labels.reporter] ?? []) : [],
  );
